import { apiOf } from '../apiOf.js';

/** Whose view it is: the owner's, who looks on, or the agent's, who agrees. */
export type AgreementArea = 'session' | 'agent';

export const agreementsOf = (area: AgreementArea) => apiOf(area).agreements.agreements;

/** An agreement as its page has it. */
export type ShownAgreement = Awaited<ReturnType<ReturnType<typeof agreementsOf>['get']>> & {
  readonly stuck: boolean;
};
