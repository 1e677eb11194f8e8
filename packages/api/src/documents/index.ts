export { callName } from './callName.js';
export { inputSchema, jsonSchema, type JsonSchema } from './jsonSchema.js';
export { openApi, type DocumentOptions } from './openapi.js';
export { swagger } from './swagger.js';
export { toolFormat, toolsFor, toolsOf, type ToolDefinition, type ToolFormat } from './tools.js';
