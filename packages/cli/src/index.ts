export { completionScript, completionsOf, shells, type Completions } from './completion/completion.js';
export { table } from './table.js';
