import { web } from '@agentpay/api';
import { AgentPayError } from '@agentpay/primitives';
import { implement } from '../../http/implement.js';
import { docsPage, llmsText, searchPage } from '../../pages/docs/docsPages.js';
import { library, type DocsPage } from '../../pages/docs/library.js';
import { searchDocs } from '../../pages/docs/search.js';

export const handlers = implement(web.nouns.docs, ({ baseUrl }) => {
  const shown = (page: DocsPage | undefined) => {
    if (!page) throw new AgentPayError('not_found', 'There is no such page.');
    return { html: docsPage(library(baseUrl()), page), markdown: page.markdown };
  };
  return {
    api: async () => shown(library(baseUrl()).reference),
    noun: async ({ params }) => shown(library(baseUrl()).nouns.get(params.noun)),
    guide: async ({ params }) => shown(library(baseUrl()).guides.get(params.page)),
    search: async ({ query: { q } }) => ({
      html: searchPage(library(baseUrl()), q, searchDocs(baseUrl(), q)),
    }),
    llms: async () => ({ text: llmsText(library(baseUrl())) }),
  };
});
