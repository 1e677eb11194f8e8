export {
  CommandFault,
  jsonFlag,
  portFault,
  readWhole,
  usageFault,
  type Called,
  type CommandRow,
  type CommandTable,
  type FlagRow,
  type CommandContext,
} from './Command.js';
export { runCommands } from './runCommands.js';
