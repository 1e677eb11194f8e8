export { checkUrl, type Finding, type CheckReport } from './check.js';
