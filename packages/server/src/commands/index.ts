export { serverCommands, serverGroups } from './serverCommands.js';
