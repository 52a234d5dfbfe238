/**
 * What the page does in a browser: asks for the fragment, takes over what changed and leaves alone what did not (focus, what
 * is opened or selected, where a part was scrolled to), says when nobody answers, and tells times in the reader's zone.
 * It draws nothing: pictures come drawn, so that a page without scripts is the same.
 */
export const LIVE_SCRIPT = `
(() => {
  'use strict';
  const EVERY = 5000;
  const PATIENCE = 10000;
  const WORDS = { kept: 'Kept', broken: 'Broken', unknown: 'Unknown', none: 'Not set up' };
  const root = document.documentElement;
  const view = document.getElementById('view');
  const gone = document.getElementById('gone');
  const told = document.getElementById('told');
  const FORMS = {
    whole: (at) => day(at) + ' ' + clock(at),
    day: (at) => day(at) + ' ' + clock(at).slice(0, 5),
    clock: (at) => clock(at).slice(0, 5),
  };
  root.classList.add('scripted');
  tellLocalTimes(view);
  document.addEventListener('click', copy);
  // A saved page is a picture of its instant.
  if (!location.protocol.startsWith('http')) return;

  let timer;
  let asking = false;
  let answeredAt = new Date();
  root.classList.add('live');
  timer = setTimeout(ask, EVERY);
  document.addEventListener('visibilitychange', () => (document.hidden ? clearTimeout(timer) : ask()));
  addEventListener('online', ask);

  async function ask() {
    clearTimeout(timer);
    if (asking || document.hidden) return;
    asking = true;
    try {
      const answer = await fetch('fragment', { cache: 'no-store', signal: AbortSignal.timeout(PATIENCE) });
      if (!answer.ok) throw new Error('The server answers ' + answer.status);
      show(await answer.text());
      answeredAt = new Date();
      isThere();
    } catch (error) {
      isGone(error instanceof TypeError || error.name === 'TimeoutError' ? 'No answer' : error.message);
    }
    asking = false;
    if (!document.hidden) timer = setTimeout(ask, EVERY);
  }

  function show(html) {
    const next = new DOMParser().parseFromString(html, 'text/html').getElementById('view');
    if (!next) throw new Error('The server answers something else');
    if (next.dataset.build !== view.dataset.build) return void location.reload();
    tellLocalTimes(next);
    const before = statesOf(view);
    const focused = document.activeElement && document.activeElement.id;
    become(view, next);
    if (focused && document.activeElement === document.body) {
      const again = document.getElementById(focused);
      if (again) again.focus({ preventScroll: true });
    }
    if (document.title !== view.dataset.title) {
      document.title = view.dataset.title;
      document.getElementById('icon').href = view.dataset.icon;
    }
    const changes = [...statesOf(view)].filter(([id, { state }]) => before.has(id) && before.get(id).state !== state);
    if (changes.length > 0) told.textContent = changes.map(([, { state, message }]) => WORDS[state] + ' now: ' + message).join('. ');
  }

  function statesOf(tree) {
    return new Map([...tree.querySelectorAll('[data-message]')].map(({ id, dataset }) => [id, { state: dataset.state, message: dataset.message }]));
  }

  /** Makes one tree equal to another one with as few changes as its ids allow. */
  function become(old, next) {
    for (const { name } of [...old.attributes]) {
      if (!next.hasAttribute(name) && !isReaders(old, next, name)) old.removeAttribute(name);
    }
    const own = [...next.attributes].filter(({ name }) => !isReaders(old, next, name));
    for (const { name, value } of own) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    const named = new Map([...old.children].filter(({ id }) => id).map((child) => [child.id, child]));
    let at = old.firstChild;
    for (const child of [...next.childNodes]) {
      let same = child.id ? named.get(child.id) : at;
      if (same && (same.nodeName !== child.nodeName || (same.id || '') !== (child.id || ''))) same = undefined;
      if (!same) {
        old.insertBefore(child, at);
        continue;
      }
      // What stands between is gone or comes later: moving it keeps the focus of what stays.
      while (at !== same && at && child.id && !isIn(next, at)) at = drop(at);
      if (at === same) at = same.nextSibling;
      else old.insertBefore(same, at);
      if (same.nodeType !== Node.ELEMENT_NODE) {
        if (same.data !== child.data) same.data = child.data;
      } else if (!same.isEqualNode(child)) become(same, child);
    }
    while (at) at = drop(at);
  }

  function drop(node) {
    const after = node.nextSibling;
    node.remove();
    return after;
  }

  function isIn(next, node) {
    return node.id && [...next.children].some(({ id }) => id === node.id);
  }

  /** What a reader opened stays so until its verdict changes. */
  function isReaders(old, next, name) {
    return name === 'open' && old.dataset.state === next.dataset.state;
  }

  function isGone(why) {
    root.classList.replace('live', 'lost');
    const text = why + ' since ' + clock(answeredAt) + ': what is shown is from then. Asked again every ' + EVERY / 1000 + ' s.';
    if (gone.textContent !== text) gone.textContent = text;
  }

  function isThere() {
    if (!root.classList.replace('lost', 'live')) return;
    gone.textContent = '';
    told.textContent = 'The server answers again.';
  }

  function tellLocalTimes(tree) {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
    if (zone === 'UTC' || zone === 'Etc/UTC') return;
    for (const element of tree.querySelectorAll('time')) {
      const at = new Date(element.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      element.title = at.toISOString().slice(0, 19).replace('T', ' ') + ' UTC';
      element.textContent = FORMS[element.dataset.form || 'whole'](at);
    }
    const place = tree.querySelector('#zone');
    if (place) place.textContent = 'Times are those of ' + zone + '.';
  }

  function day(at) {
    return [at.getFullYear(), at.getMonth() + 1, at.getDate()].map((part) => String(part).padStart(2, '0')).join('-');
  }

  function clock(at) {
    return [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
  }

  async function copy({ target }) {
    const button = target instanceof Element && target.closest('[data-copy]');
    if (!button) return;
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      // Without TLS a browser gives no clipboard to a page that is not on this machine.
      getSelection().selectAllChildren(source);
      if (!document.execCommand('copy')) return;
    }
    button.textContent = 'Copied';
    told.textContent = 'Copied.';
    setTimeout(() => (button.textContent = 'Copy'), 2000);
  }
})();
`;
