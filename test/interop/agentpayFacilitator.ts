export { officialFacilitator as agentpayFacilitator } from './peerServers.js';
