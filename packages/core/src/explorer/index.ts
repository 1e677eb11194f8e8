export {
  admit,
  assertMayWrite,
  exchange,
  invite,
  killSwitch,
  list,
  open,
  read,
  renew,
  setKillSwitch,
} from './operations.js';
export type { Admission } from './operations.js';
export type { AccessTokens, ExplorerPorts } from './ports.js';
export type { AccessClaims, ExplorerInvite, ExplorerRole, ExplorerSession } from './Session.js';
export type { ExplorerSettings } from './settings.js';
