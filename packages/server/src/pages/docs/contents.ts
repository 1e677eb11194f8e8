/** The pages of the documentation in the order in which they are read; each is `docs/<slug>.md`. */
export const contents = [
  {
    title: 'Start',
    slugs: [
      'quickstart-sellers',
      'quickstart-frameworks',
      'quickstart-buyers',
      'quickstart-operators',
      'test-money',
    ],
  },
  {
    title: 'Guides',
    slugs: [
      'migrate',
      'policies',
      'webhooks',
      'sla-tokens',
      'escrow',
      'deploying',
      'production',
      'incidents',
      'backups',
      'mainnet',
    ],
  },
  {
    title: 'Build with',
    slugs: ['sdk', 'cli', 'integrations', 'claude'],
  },
  {
    title: 'Inside',
    slugs: ['paywall', 'facilitator', 'core'],
  },
] as const satisfies readonly { title: string; slugs: readonly string[] }[];

/** Where the page of a slug is. */
export function pathOf(slug: string): string {
  return slug === 'integrations' ? '/integrations' : `/docs/${slug}`;
}
