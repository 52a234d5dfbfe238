import { escapeXml } from '../../report/escape.ts';
import type { Verdict } from '../judge/verdict.ts';
import { VERDICT_WORDS } from './words.ts';

/** A verdict as sign, word and colour: no page is read by its colours alone. */
export function mark(verdict: Verdict): { readonly sign: string; readonly word: string; readonly tone: string } {
  const word = VERDICT_WORDS[verdict];
  if (verdict === 'pass') return { sign: '✓', word, tone: 'good' };
  return verdict === 'fail' ? { sign: '✗', word, tone: 'bad' } : { sign: '?', word, tone: 'open' };
}

/** What makes figures less sure, before the figures. */
export function noticeList(messages: readonly string[]): string {
  return messages
    .map((message) => `<p class="doubt" role="note"><strong>!</strong> ${escapeXml(message)}</p>`)
    .join('');
}
