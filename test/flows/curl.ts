type Variables = Readonly<Record<string, string>>;
type Body = Record<string, unknown>;

export const JSON_TYPE = '-H "Content-Type: application/json"';

/** Sends lines to $BASE that are to succeed, with the variables that were kept, and gives their bodies. */
export function curlShell(variables: Record<string, string>) {
  async function curl(line: string): Promise<Body> {
    const { status, body } = await curlOf(variables, line);
    expect([status >= 200 && status < 300, line, body]).toEqual([true, line, body]);
    return body;
  }
  return {
    curl,
    keep: (name: string, value: unknown) => void (variables[name] = String(value)),
    post: (path: string, headers: string, body: string) =>
      curl(`curl -X POST $BASE${path} \\\n  ${headers} ${JSON_TYPE} \\\n  -d '${body}'`),
    get: (path: string, headers = '') => curl(`curl $BASE${path} ${headers}`),
  };
}

/** Sends what a shell would make of the line; understands what the documents' lines use of curl and quotes. */
export async function curlOf(variables: Variables, line: string): Promise<{ status: number; body: Body }> {
  const words = shellWords(variables, line.replaceAll('\\\n', ' '));
  const url = words.find((word) => word.startsWith('http')) as string;
  const after = (option: string) =>
    words.flatMap((word, i) => (word === option ? [words[i + 1] as string] : []));
  const headers = after('-H').map((header) => header.split(/: (.*)/s).slice(0, 2) as [string, string]);
  const [data] = after('-d');
  const [method = 'GET'] = after('-X');
  const response = await fetch(url, { method, headers, ...(data === undefined ? {} : { body: data }) });
  return { status: response.status, body: (await response.json()) as Body };
}

function shellWords(variables: Variables, line: string): string[] {
  const known = (text: string) =>
    text.replace(/\$([A-Z_]+)/g, (_, name: string) => variables[name] as string);
  return [...line.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) =>
    word.replace(/'([^']*)'|"([^"]*)"|([^'"]+)/g, (_, single?: string, double?: string, bare?: string) =>
      single === undefined ? known(double ?? (bare as string)) : single,
    ),
  );
}
