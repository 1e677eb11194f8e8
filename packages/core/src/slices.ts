// Every slice of core: its door, its tables, its events and its jobs. A new slice is added here and in slices.json.
import type { Migration } from '@agentpay/primitives';
import { migrations as agentsTables } from './agents/migrations.js';
import { migrations as agreementsTables } from './agreements/migrations.js';
import { migrations as approvalsTables } from './approvals/migrations.js';
import { migrations as apiKeysTables, sealed as apiKeysSealed } from './apiKeys/migrations.js';
import { migrations as auditTables } from './audit/migrations.js';
import { migrations as batchTables } from './batch/migrations.js';
import { migrations as catalogTables } from './catalog/migrations.js';
import { migrations as developersTables, sealed as developersSealed } from './developers/migrations.js';
import { migrations as custodyTables, sealed as custodySealed } from './custody/migrations.js';
import { migrations as billingTables } from './billing/migrations.js';
import { migrations as disputesTables } from './disputes/migrations.js';
import { migrations as eventsTables } from './events/migrations.js';
import { migrations as explorerTables } from './explorer/migrations.js';
import { migrations as gatewaysTables } from './gateways/migrations.js';
import { migrations as idempotencyTables } from './idempotency/migrations.js';
import { migrations as identityTables } from './identity/migrations.js';
import { migrations as ledgerTables } from './ledger/migrations.js';
import { migrations as marketplaceTables } from './marketplace/migrations.js';
import { migrations as orgsTables } from './orgs/migrations.js';
import { migrations as partiesTables } from './parties/migrations.js';
import { migrations as paymentsTables } from './payments/migrations.js';
import { migrations as payoutsTables, sealed as payoutsSealed } from './payouts/migrations.js';
import { migrations as policiesTables } from './policies/migrations.js';
import { migrations as purchasesTables, sealed as purchasesSealed } from './purchases/migrations.js';
import { migrations as requestsTables } from './requests/migrations.js';
import { migrations as setbacksTables } from './setbacks/migrations.js';
import { migrations as tokensTables } from './tokens/migrations.js';
import { migrations as usersTables } from './users/migrations.js';
import { migrations as walletsTables } from './wallets/migrations.js';
import { migrations as webhooksTables, sealed as webhooksSealed } from './webhooks/migrations.js';
import { jobs as approvalsJobs } from './approvals/jobs.js';
import { jobs as developersJobs } from './developers/jobs.js';
import { jobs as billingJobs } from './billing/jobs.js';
import { jobs as explorerJobs } from './explorer/jobs.js';
import { jobs as gatewaysJobs } from './gateways/jobs.js';
import { jobs as idempotencyJobs } from './idempotency/jobs.js';
import { jobs as ledgerJobs } from './ledger/jobs.js';
import { jobs as marketplaceJobs } from './marketplace/jobs.js';
import { jobs as paymentsJobs } from './payments/jobs.js';
import { jobs as purchasesJobs } from './purchases/jobs.js';
import { jobs as requestsJobs } from './requests/jobs.js';
import { jobs as tokensJobs } from './tokens/jobs.js';
import { jobs as usersJobs } from './users/jobs.js';
import type { Job } from './Job.js';
import type { SealedColumn } from './vault/index.js';
import type { EventType } from './events/index.js';
import * as agreementEvents from './agreements/events.js';
import * as approvalEvents from './approvals/events.js';
import * as billingEvents from './billing/events.js';
import * as disputeEvents from './disputes/events.js';
import * as orgEvents from './orgs/events.js';
import * as gatewayEvents from './gateways/events.js';
import * as paymentEvents from './payments/events.js';
import * as payoutEvents from './payouts/events.js';
import * as purchaseEvents from './purchases/events.js';
import * as tokenEvents from './tokens/events.js';
import * as webhookEvents from './webhooks/events.js';

export * as agents from './agents/index.js';
export * as agreements from './agreements/index.js';
export * as catalog from './catalog/index.js';
export * as developers from './developers/index.js';
export * as apiKeys from './apiKeys/index.js';
export * as custody from './custody/index.js';
export * as approvals from './approvals/index.js';
export * as billing from './billing/index.js';
export * as audit from './audit/index.js';
export * as disputes from './disputes/index.js';
export * as events from './events/index.js';
export * as explorer from './explorer/index.js';
export * as gateways from './gateways/index.js';
export * as idempotency from './idempotency/index.js';
export * as identity from './identity/index.js';
export * as ledger from './ledger/index.js';
export * as marketplace from './marketplace/index.js';
export * as orgs from './orgs/index.js';
export * as parties from './parties/index.js';
export * as payments from './payments/index.js';
export * as payouts from './payouts/index.js';
export * as policies from './policies/index.js';
export * as purchases from './purchases/index.js';
export * as requests from './requests/index.js';
export * as spending from './spending/index.js';
export * as tokens from './tokens/index.js';
export * as users from './users/index.js';
export * as vault from './vault/index.js';
export * as wallets from './wallets/index.js';
export * as webhooks from './webhooks/index.js';

/** The schema of core: each slice declares its tables; a slice stands after those whose tables it refers to. */
export const migrations: readonly Migration[] = [
  ...batchTables,
  ...setbacksTables,
  ...partiesTables,
  ...auditTables,
  ...identityTables,
  ...usersTables,
  ...agentsTables,
  ...walletsTables,
  ...custodyTables,
  ...apiKeysTables,
  ...marketplaceTables,
  ...ledgerTables,
  ...policiesTables,
  ...orgsTables,
  ...approvalsTables,
  ...billingTables,
  ...paymentsTables,
  ...agreementsTables,
  ...disputesTables,
  ...payoutsTables,
  ...purchasesTables,
  ...developersTables,
  ...catalogTables,
  ...gatewaysTables,
  ...tokensTables,
  ...eventsTables,
  ...idempotencyTables,
  ...webhooksTables,
  ...explorerTables,
  ...requestsTables,
];

/** Every type of event that a slice declares. */
export const eventTypes: readonly EventType[] = [
  gatewayEvents.callCompleted,
  gatewayEvents.callFailed,
  gatewayEvents.fundingSettled,
  gatewayEvents.fundingFailed,
  paymentEvents.paymentInitiated,
  paymentEvents.paymentCompleted,
  paymentEvents.paymentConfirmed,
  paymentEvents.paymentFailed,
  paymentEvents.paymentRefunded,
  paymentEvents.paymentRefundFailed,
  paymentEvents.claimCollected,
  ...Object.values(agreementEvents.agreementMoved),
  approvalEvents.approvalRequested,
  ...Object.values(approvalEvents.approvalMoved),
  disputeEvents.disputeOpened,
  disputeEvents.disputeEvidenceAdded,
  ...Object.values(disputeEvents.disputeMoved),
  purchaseEvents.paymentRejected,
  purchaseEvents.withdrawalRequested,
  purchaseEvents.withdrawalCompleted,
  purchaseEvents.withdrawalFailed,
  payoutEvents.payoutCreated,
  payoutEvents.payoutCompleted,
  payoutEvents.payoutReturned,
  payoutEvents.payoutFailed,
  payoutEvents.payoutCanceled,
  tokenEvents.tokenReserved,
  tokenEvents.tokenSettled,
  tokenEvents.tokenRefunded,
  ...Object.values(tokenEvents.tokenReleased),
  webhookEvents.testEvent,
  ...Object.values(orgEvents),
  billingEvents.invoiceCreated,
  billingEvents.invoicePaid,
  billingEvents.invoiceOverdue,
  billingEvents.invoiceVoided,
  billingEvents.subscriptionCreated,
  billingEvents.subscriptionRenewed,
  billingEvents.subscriptionChanged,
  billingEvents.subscriptionPastDue,
  billingEvents.subscriptionCanceled,
  billingEvents.alertTriggered,
];

/** Every job that a slice declares. */
export const jobs: readonly Job[] = [
  ...approvalsJobs,
  ...developersJobs,
  ...billingJobs,
  ...explorerJobs,
  ...gatewaysJobs,
  ...idempotencyJobs,
  ...ledgerJobs,
  ...paymentsJobs,
  ...marketplaceJobs,
  ...purchasesJobs,
  ...requestsJobs,
  ...tokensJobs,
  ...usersJobs,
];

/** Every column of sealed texts that a slice declares. */
export const sealedColumns: readonly SealedColumn[] = [
  ...custodySealed,
  ...apiKeysSealed,
  ...webhooksSealed,
  ...payoutsSealed,
  ...developersSealed,
  ...purchasesSealed,
];
