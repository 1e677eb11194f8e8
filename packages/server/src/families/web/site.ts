import { web } from '@agentpay/api';
import { implement } from '../../http/implement.js';
import { docsPage } from '../../pages/docs/docsPages.js';
import { library, type DocsPage } from '../../pages/docs/library.js';
import { explorerPage } from '../../pages/explorerPage.js';
import { homePage } from '../../pages/homePage.js';
import { opsPage } from '../../pages/opsPage.js';
import { opsState } from '../runtime/opsState.js';

export const handlers = implement(web.nouns.site, ({ core, baseUrl, rates }) => ({
  home: async () => ({ html: homePage(baseUrl()) }),
  async integrations() {
    const all = library(baseUrl());
    const page = all.guides.get('integrations') as DocsPage;
    return { html: docsPage(all, page), markdown: page.markdown };
  },
  explorer: async () => ({
    html: explorerPage({ enabled: core.settings.explorer.enabled, baseUrl: baseUrl() }),
  }),
  ops: async ({ principal }) => ({
    html: opsPage(principal && (await opsState(core, { principal, rates }))),
  }),
}));
