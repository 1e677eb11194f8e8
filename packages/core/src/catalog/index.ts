export {
  apply as applyForCertification,
  certificationsOf,
  decideCertification,
  pendingCertifications,
} from './certifications.js';
export type { Certification } from './certifications.js';
export { methodFor } from './Listing.js';
export type { AgentListing, AgentListingStatus, ListedMethod, SlaPromise } from './Listing.js';
export { approve, create, findAll, get, search, see, suspend, update } from './listings.js';
export type { GivenMethod, ListingDetails } from './listings.js';
export { listingRows, readListing } from './ListingStore.js';
export type { ListingViewer } from './ListingStore.js';
export { addVersion, setMethods, versionCount, versionsOf } from './methods.js';
export { countCallIn, countCallWants, reliability } from './Reliability.js';
export type { CallEnding, Reliability } from './Reliability.js';
export { acceptContract, contractSeconds, draftContract } from './slaContracts.js';
export type { SlaContract } from './slaContracts.js';
export type { ListingVersion } from './Version.js';
