/** A door of its own: who reads what drills left loads nothing of what runs them. */
export { drillHistory, type PastDrill } from './history.ts';
