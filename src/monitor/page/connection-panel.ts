import { formatCount } from '../../core/units.ts';
import { escapeXml } from '../../report/escape.ts';
import { chart } from './chart.ts';
import { connectionLayers } from './connection-states.ts';
import { stack } from './history.ts';
import { judged, NOTHING, nowLine, type Panel, panelOf } from './panel.ts';
import { percent } from './words.ts';

/** How many of the connections that the server allows are taken, and what they do. */
export function connectionPanel(objective: number): Panel {
  return (history, database) => {
    const last = history.samples.at(-1);
    if (!last) return panelOf('Connections', NOTHING);
    const { used, max } = last.connections;
    const peak = Math.max(...history.samples.map(({ connections }) => connections.used));
    // All of them, unless so few are used that they would be a line at the bottom.
    const top = peak > max * objective ? Math.max(max, peak) : Math.max(1, Math.ceil(max * objective * 1.25));
    const frame = { ...history, low: 0, high: top };
    const layers = connectionLayers(history.samples);
    const share = max > 0 ? used / max : 0;
    const holds = share <= objective;
    const least = Math.min(...history.samples.map(({ connections }) => connections.used));
    const range = `fewest ${formatCount(least)}, most ${formatCount(peak)}`;
    const states = layers.map(({ name, now }) => `${name} ${formatCount(now)}`).join(', ');
    const picture = chart({
      title: `Connections to the server of ${database}, by state`,
      description: `Last ${formatCount(used)} of ${formatCount(max)} (${states}), ${range}; the objective is at most ${percent(objective)} of them.`,
      frame,
      form: 'count',
      shapes: stack(history, layers, frame),
      objective: { value: max * objective, text: percent(objective) },
      axis: { low: '0', high: formatCount(top) },
    });
    const key = layers.map(
      ({ name, now, kind }) => `<li>${swatch(kind)}${escapeXml(name)} <strong>${formatCount(now)}</strong></li>`,
    );
    const mark = judged(holds, `${percent(share)}, ${holds ? 'at most' : 'above'} ${percent(objective)}`);
    return panelOf(
      'Connections',
      `${nowLine(history, `${formatCount(used)} of ${formatCount(max)}`, mark)}${picture}<ul class="key">${key.join('')}</ul><p class="range">${range}</p>`,
    );
  };
}

function swatch(kind: string): string {
  return `<svg class="swatch" width="12" height="12" aria-hidden="true"><rect class="band ${kind}" width="12" height="12" rx="2"/></svg>`;
}
