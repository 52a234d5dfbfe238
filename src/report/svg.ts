import { escapeXml } from './escape.ts';

/** What of a picture is told to those who do not see it. */
export interface PictureText {
  readonly title: string;
  /** What the picture shows, where the title does not say it all. */
  readonly description?: string;
}

/** A picture of these units that is as wide as its place; text in it takes the colour of the text around it. */
export function svg(width: number, height: number, text: PictureText, shapes: readonly string[]): string {
  return `<svg viewBox="0 0 ${width} ${height}" width="100%" role="img" font-family="inherit" font-size="12">${told(text)}${shapes.join('')}</svg>`;
}

/** A picture of this height whose shapes are placed across in percent: it is stretched, its lines and text are not. */
export function strip(height: number, text: PictureText, shapes: readonly string[]): string {
  return `<svg class="strip" width="100%" height="${height}" role="img" font-family="inherit" font-size="11">${told(text)}${shapes.join('')}</svg>`;
}

/**
 * Shapes of a plane of these units, stretched over the whole of the picture around them. Their lines keep their width with
 * `vector-effect: non-scaling-stroke`; text does not belong here.
 */
export function stretched(width: number, height: number, shapes: readonly string[]): string {
  return `<svg viewBox="0 0 ${width} ${height}" width="100%" height="100%" preserveAspectRatio="none" aria-hidden="true">${shapes.join('')}</svg>`;
}

/** A bar beside a number that says the same. */
export function shareBar(share: number, height = 4): string {
  const width = (Math.min(1, Math.max(0, share)) * 100).toFixed(1);
  return `<svg class="bar" width="100%" height="${height}" aria-hidden="true"><rect width="${width}%" height="${height}" rx="${height / 2}"/></svg>`;
}

export function label(
  x: number,
  y: number,
  text: string,
  anchor: 'start' | 'middle' | 'end' = 'start',
  fill = 'currentColor',
): string {
  return `<text x="${x.toFixed(1)}" y="${y}" text-anchor="${anchor}" fill="${fill}">${escapeXml(text)}</text>`;
}

function told({ title, description }: PictureText): string {
  return `<title>${escapeXml(title)}</title>${description === undefined ? '' : `<desc>${escapeXml(description)}</desc>`}`;
}
