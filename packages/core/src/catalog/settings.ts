import { assertSetting } from '../settings.js';

export interface CatalogSettings {
  /** Where listings may say that they run. */
  readonly regions: readonly string[];
  /** What the operator of the platform can certify. */
  readonly certifications: readonly string[];
}

export function catalogSettings(given: Partial<CatalogSettings>): CatalogSettings {
  const settings = { regions: ['us-east', 'eu-west'], certifications: ['SOC2', 'ISO27001'], ...given };
  assertSetting(settings.regions.length > 0, 'catalog.regions', 'at least one region');
  return settings;
}
