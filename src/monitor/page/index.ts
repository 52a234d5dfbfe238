export { PAGE_CSP, renderFragment, renderPage } from './render.ts';
