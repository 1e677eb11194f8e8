export {
  createContract,
  createPurchaseOrder,
  draw,
  listContracts,
  listPurchaseOrders,
  undraw,
} from './documents.js';
export { accept, audienceOf, invitation, invite, members, removeMember, requireMember } from './members.js';
export { create, get, list, ORG_CURRENCY } from './operations.js';
export { mayDo, roles, rolesFor } from './Org.js';
export type { Act, Member, MemberStatus, Org, Role } from './Org.js';
export { createPolicy, listPolicies, noteRefusal, policyLogs, removePolicy } from './orgPolicies.js';
export type { PolicyWithRules } from './orgPolicies.js';
export { selectOrgIds as orgIdsOf } from './OrgStore.js';
export type { OrgContract, OrgPolicy, PolicyLog, PrivateMarketplace } from './OrgStore.js';
export { chooseListing, chosenListings, createMarketplace, listMarketplaces } from './privateMarketplaces.js';
export { purchaseOrderStatus } from './PurchaseOrder.js';
export type { PurchaseOrder, PurchaseOrderStatus } from './PurchaseOrder.js';
