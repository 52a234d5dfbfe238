/**
 * Reads the pictures under the pointer: when that was, and the value of each line or band there, to what the plane can tell
 * apart. The picture is all it needs; those who use no pointer have the table of numbers.
 */
export const READING_SCRIPT = `
(() => {
  'use strict';
  const reading = document.getElementById('reading');
  const cursor = document.getElementById('cursor');
  const SPELL = {
    percent: (value) => Math.floor(value * 1000 + 1e-6) / 10 + ' %',
    count: (value) => String(Math.round(value)),
    rate: (value) => (value < 100 ? Math.round(value * 10) / 10 : Math.round(value)) + '/s',
  };
  addEventListener('pointermove', read, { passive: true });
  addEventListener('pointerdown', read, { passive: true });
  addEventListener('scroll', rest, { passive: true });
  addEventListener('keydown', ({ key }) => key === 'Escape' && rest());

  function read({ target, clientX }) {
    const picture = target instanceof Element && target.closest('.chart .strip');
    if (!picture) return rest();
    const frame = picture.getBoundingClientRect();
    const { from, to, low, high, form } = picture.closest('.chart').dataset;
    const x = ((clientX - frame.left) / frame.width) * 1000;
    const found = [...picture.querySelectorAll('path')].flatMap((path) => {
      const point = nearest(path.getAttribute('d'), x);
      return point ? [{ name: path.dataset.name, isBand: path.classList.contains('band'), ...point }] : [];
    });
    if (found.length === 0) return rest();
    const valueOf = (y) => Number(high) - (y / 1000) * (high - low);
    const lines = found.map(({ name, isBand, y }, place) => {
      const below = isBand && found[place + 1] ? valueOf(found[place + 1].y) : 0;
      return name + ' ' + SPELL[form](valueOf(y) - below);
    });
    const at = new Date(Number(from) + (found[0].x / 1000) * (to - from));
    const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
    reading.replaceChildren(...[time, ...lines].map((text) => Object.assign(document.createElement('div'), { textContent: text })));
    const left = frame.left + (found[0].x / 1000) * frame.width;
    Object.assign(cursor.style, { left: left + 'px', top: frame.top + 'px', height: frame.height + 'px' });
    const isLeft = left > innerWidth / 2;
    Object.assign(reading.style, { left: isLeft ? '' : left + 10 + 'px', right: isLeft ? innerWidth - left + 10 + 'px' : '', top: frame.bottom + 2 + 'px' });
    document.body.classList.add('reading');
  }

  /** The point of a path of steps that is closest across; undefined where all are too far away. */
  function nearest(path, x) {
    let best;
    for (const [, startX, startY, steps = ''] of path.matchAll(/M(\\d+) (\\d+)(?:l([\\d -]*))?/g)) {
      let at = { x: Number(startX), y: Number(startY) };
      const see = () => (best = !best || Math.abs(at.x - x) < Math.abs(best.x - x) ? at : best);
      see();
      for (const [, right, down] of steps.matchAll(/(-?\\d+) (-?\\d+)/g)) {
        at = { x: at.x + Number(right), y: at.y + Number(down) };
        see();
      }
    }
    return best && Math.abs(best.x - x) < 30 ? best : undefined;
  }

  function rest() {
    document.body.classList.remove('reading');
  }
})();
`;
