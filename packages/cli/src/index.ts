export { completionScript, completionsOf, shells, type Completions } from './completion/completion.js';
export { triggers } from './platform/triggers.js';
export { table } from './table.js';
