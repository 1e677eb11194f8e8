export { checkUrl, type Finding, type Report } from './check.js';
