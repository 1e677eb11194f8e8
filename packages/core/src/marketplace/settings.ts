export interface MarketplaceSettings {
  /**
   * Whether services whose address has not said that it sells them are offered for it. Only where money is play money: outside of a
   * sandbox anybody could register the address of another.
   */
  readonly offerUnproven: boolean;
}

export function marketplaceSettings(given: Partial<MarketplaceSettings>): MarketplaceSettings {
  return { offerUnproven: false, ...given };
}
