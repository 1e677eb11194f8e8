import type { Clock, Db, Random } from '@agentpay/primitives';
import { agreementSettings } from './agreements/settings.js';
import type { AgreementSettings } from './agreements/settings.js';
import type { AgreementPorts } from './agreements/ports.js';
import { approvalSettings } from './approvals/settings.js';
import type { ApprovalSettings } from './approvals/settings.js';
import { billingSettings } from './billing/settings.js';
import type { BillingSettings } from './billing/settings.js';
import { createBatch } from './batch/index.js';
import type { AroundBatch, Batch } from './batch/index.js';
import { catalogSettings } from './catalog/settings.js';
import type { CatalogSettings } from './catalog/settings.js';
import { developerSettings } from './developers/settings.js';
import type { DeveloperSettings } from './developers/settings.js';
import type { CustodyPorts } from './custody/ports.js';
import { disputeSettings } from './disputes/settings.js';
import type { DisputeSettings } from './disputes/settings.js';
import type { ExplorerPorts } from './explorer/ports.js';
import { explorerSettings } from './explorer/settings.js';
import type { ExplorerSettings } from './explorer/settings.js';
import { feeSchedule } from './fees.js';
import type { FeeSchedule, GivenFees } from './fees.js';
import type { GatewayPorts } from './gateways/ports.js';
import { gatewaySettings } from './gateways/settings.js';
import type { GatewaySettings } from './gateways/settings.js';
import { identitySettings } from './identity/settings.js';
import type { IdentitySettings } from './identity/settings.js';
import { batchWriter } from './ledger/index.js';
import type { LedgerPorts } from './ledger/ports.js';
import { serviceLists } from './marketplace/ServiceLists.js';
import type { ServiceLists } from './marketplace/ServiceLists.js';
import type { PayoutPorts } from './payouts/ports.js';
import type { PaymentPorts } from './payments/ports.js';
import type { MarketplacePorts } from './marketplace/ports.js';
import { marketplaceSettings } from './marketplace/settings.js';
import type { MarketplaceSettings } from './marketplace/settings.js';
import type { PurchasePorts } from './purchases/ports.js';
import { proofsUnderWay } from './purchases/ProofsUnderWay.js';
import type { ProofsUnderWay } from './purchases/ProofsUnderWay.js';
import { paymentSettings } from './payments/settings.js';
import type { PaymentSettings } from './payments/settings.js';
import { purchaseSettings } from './purchases/settings.js';
import type { PurchaseSettings } from './purchases/settings.js';
import type { TokenPorts } from './tokens/ports.js';
import { tokenSettings } from './tokens/settings.js';
import type { TokenSettings } from './tokens/settings.js';
import { userSettings } from './users/settings.js';
import type { UserSettings } from './users/settings.js';
import { walletSettings } from './wallets/settings.js';
import type { WalletSettings } from './wallets/settings.js';
import type { WebhookPorts } from './webhooks/ports.js';

/** What each slice declares in its `settings.ts`, and what the platform takes. */
export interface CoreSettings {
  readonly fees: FeeSchedule;
  readonly agreements: AgreementSettings;
  readonly catalog: CatalogSettings;
  readonly billing: BillingSettings;
  readonly developers: DeveloperSettings;
  readonly approvals: ApprovalSettings;
  readonly disputes: DisputeSettings;
  readonly explorer: ExplorerSettings;
  readonly gateways: GatewaySettings;
  readonly identity: IdentitySettings;
  readonly marketplace: MarketplaceSettings;
  readonly payments: PaymentSettings;
  readonly purchases: PurchaseSettings;
  readonly tokens: TokenSettings;
  readonly users: UserSettings;
  readonly wallets: WalletSettings;
}

/** What slices need from the outside, as each declares it in its `ports.ts`. */
export type CorePorts = AgreementPorts &
  CustodyPorts &
  PurchasePorts &
  ExplorerPorts &
  GatewayPorts &
  LedgerPorts &
  MarketplacePorts &
  PaymentPorts &
  PayoutPorts &
  TokenPorts &
  WebhookPorts;

/** The context that every operation takes first. */
export interface Core {
  readonly db: Db;
  readonly clock: Clock;
  readonly random: Random;
  readonly ports: CorePorts;
  readonly settings: CoreSettings;
  /** Carries commands out in batches. */
  readonly batch: Batch;
  /** Responses of `marketplace.list`. */
  readonly serviceLists: ServiceLists;
  /** Proofs of purchases that were answered already. */
  readonly proofs: ProofsUnderWay;
}

/** Settings as given: what has a default may be left out. */
export interface GivenSettings {
  readonly agreements?: Partial<AgreementSettings>;
  readonly approvals?: Partial<ApprovalSettings>;
  readonly billing?: Partial<BillingSettings>;
  readonly explorer?: Partial<ExplorerSettings>;
  readonly identity: Parameters<typeof identitySettings>[0];
  readonly gateways?: Partial<GatewaySettings>;
  readonly catalog?: Partial<CatalogSettings>;
  readonly developers?: Partial<DeveloperSettings>;
  readonly disputes?: Partial<DisputeSettings>;
  readonly marketplace?: Partial<MarketplaceSettings>;
  readonly fees?: GivenFees;
  readonly payments?: Partial<PaymentSettings>;
  readonly purchases?: Partial<PurchaseSettings>;
  readonly tokens?: Partial<TokenSettings>;
  readonly users?: Partial<UserSettings>;
  readonly wallets?: Partial<WalletSettings>;
}

export interface CoreOptions extends Omit<Core, 'settings' | 'serviceLists' | 'batch' | 'proofs'> {
  readonly settings: GivenSettings;
  /** Sees every batch that is written, for metrics and traces. */
  readonly aroundBatch?: AroundBatch | undefined;
}

/**
 * Makes the context of all operations.
 * @throws AgentPayError `invalid_request` for settings that cannot work.
 */
export function createCore(options: CoreOptions): Core {
  const { db, clock, random, ports, settings, aroundBatch: around } = options;
  const identity = identitySettings(settings.identity);
  return {
    db,
    clock,
    random,
    ports,
    settings: {
      agreements: agreementSettings(settings.agreements ?? {}),
      gateways: gatewaySettings(settings.gateways ?? {}),
      catalog: catalogSettings(settings.catalog ?? {}),
      developers: developerSettings(settings.developers ?? {}),
      approvals: approvalSettings(settings.approvals ?? {}),
      billing: billingSettings(settings.billing ?? {}),
      disputes: disputeSettings(settings.disputes ?? {}),
      explorer: explorerSettings(settings.explorer ?? {}),
      identity,
      marketplace: marketplaceSettings(settings.marketplace ?? {}),
      fees: feeSchedule(settings.fees ?? {}),
      payments: paymentSettings(settings.payments ?? {}),
      purchases: purchaseSettings(settings.purchases ?? {}),
      tokens: tokenSettings(settings.tokens ?? {}),
      users: userSettings(settings.users ?? {}),
      wallets: walletSettings(settings.wallets ?? {}),
    },
    batch: createBatch({ db, clock, writer: batchWriter({ clock, pepper: identity.pepper }), around }),
    serviceLists: serviceLists(clock),
    proofs: proofsUnderWay(clock),
  };
}
