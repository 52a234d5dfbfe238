/** Whether the text is a day of the calendar as ISO 8601 writes it: `2026-02-28`, never `2026-02-30` or `28.2.2026`. */
export function isIsoDate(text: string): boolean {
  const match = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
  if (!match || match[1] === '0000') return false;
  // Date rolls a day that does not exist over into the next month.
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}
