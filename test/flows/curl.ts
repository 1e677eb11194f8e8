type Variables = Readonly<Record<string, string>>;

/** Sends what a shell would make of the line; understands what the documents' lines use of curl and quotes. */
export async function curlOf(
  variables: Variables,
  line: string,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const words = shellWords(variables, line.replaceAll('\\\n', ' '));
  const url = words.find((word) => word.startsWith('http')) as string;
  const after = (option: string) =>
    words.flatMap((word, i) => (word === option ? [words[i + 1] as string] : []));
  const headers = after('-H').map((header) => header.split(/: (.*)/s).slice(0, 2) as [string, string]);
  const [data] = after('-d');
  const [method = 'GET'] = after('-X');
  const response = await fetch(url, { method, headers, ...(data === undefined ? {} : { body: data }) });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
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
