/// <reference lib="dom" />
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { lookAtQuestion, questionsOf } from './browser.js';

const APP = join(process.cwd(), 'packages/dashboard');

/** What is read of a screen. */
interface Asking {
  readonly path: string;
  readonly actions?: readonly {
    readonly title: string;
    readonly submit: string;
    readonly ask?: unknown;
    readonly fields?: readonly {
      readonly label: string;
      readonly type?: string;
      readonly optional?: boolean;
      readonly options?: readonly string[];
    }[];
  }[];
}

interface Bed {
  readonly page: Page;
  readonly open: (path: string) => Promise<unknown>;
  readonly agentId: string;
  /** What stands for the parameters of addresses. */
  readonly ids: Readonly<Record<string, string>>;
  readonly faults: () => readonly string[];
}

/** Every question that the dashboard asks; those on pages of something that ends are looked at where it ends. */
export function questions(bed: () => Bed): void {
  it('asks before what cannot be taken back, by dialogs that are accessible, keep the keyboard and end with Escape', async () => {
    const { page, open, agentId, ids, faults } = bed();
    const look = (region: string, submit: string) =>
      lookAtQuestion(page, part(page, region).getByRole('button', { name: submit, exact: true }).first());
    const asking = await askingScreens();
    expect(asking.length).toBeGreaterThan(12);
    for (const { path, title, submit, fields = [] } of asking) {
      await open(path.replaceAll(/:(\w+)/g, (_, name: string) => ids[name] as string));
      for (const { label, type, optional, options } of fields)
        if (!optional && !options)
          await part(page, title)
            .getByLabel(label, { exact: true })
            .fill(type === 'amount' ? '1' : 'x');
      await look(title, submit);
    }
    await open(`/dashboard/agents/${agentId}`);
    await look('API keys', 'Revoke');
    await look('Webhooks', 'Delete');
    await part(page, 'Archive').getByText('End all payments of this agent for good').click();
    await look('Archive', 'Archive the agent');
    const written = sources().flatMap((text) => [...text.matchAll(/submit="([^"]+)"\s+ask=/g)]);
    expect(written.length).toBeGreaterThan(8);
    expect([...questionsOf(page)]).toEqual(expect.arrayContaining(written.map(([, submit]) => submit)));
    expect(faults()).toEqual([]);
  }, 600_000);
}

const part = (page: Page, name: string) => page.getByRole('region', { name, exact: true });

/** The dashboard as it is compiled, in which its screens are data. */
async function askingScreens() {
  const { screens } = (await import(join(APP, 'dist/app/screens/index.js'))) as {
    screens: readonly Asking[];
  };
  return screens.flatMap(({ path, actions = [] }) =>
    actions.filter(({ ask }) => ask).map((action) => ({ ...action, path })),
  );
}

/** The pages of the dashboard that are written out, as their sources say. */
function sources(): string[] {
  const src = join(APP, 'src/app');
  return readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.tsx'))
    .map((name) => readFileSync(join(src, name), 'utf8'));
}
