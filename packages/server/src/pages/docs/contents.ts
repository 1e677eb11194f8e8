/** The pages of the documentation in the order in which they are read; each is `docs/<slug>.md`. */
export const contents = [
  {
    title: 'Start',
    slugs: ['quickstart-sellers', 'quickstart-buyers', 'quickstart-operators'],
  },
  {
    title: 'Guides',
    slugs: ['policies', 'webhooks', 'sla-tokens', 'escrow', 'production'],
  },
  {
    title: 'Build with',
    slugs: ['sdk', 'cli', 'integrations'],
  },
  {
    title: 'Inside',
    slugs: ['paywall', 'facilitator'],
  },
] as const satisfies readonly { title: string; slugs: readonly string[] }[];

/** Where the page of a slug is. */
export function pathOf(slug: string): string {
  return slug === 'integrations' ? '/integrations' : `/docs/${slug}`;
}
