export { isOpenAddress } from './Address.js';
export type { AddressRules } from './Address.js';
export { createOutbound } from './Outbound.js';
export type { Outbound, OutboundOptions, OutboundRequest, OutboundResponse } from './Outbound.js';
export { OutboundError } from './OutboundError.js';
export type { OutboundFault } from './OutboundError.js';
