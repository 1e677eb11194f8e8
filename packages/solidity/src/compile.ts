import { readdirSync, readFileSync } from 'node:fs';

const folder = new URL('../contracts/', import.meta.url);

interface SolcOutput {
  readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[];
  readonly contracts: Record<string, Record<string, SolcContract>>;
}
interface SolcContract {
  readonly abi: readonly unknown[];
  readonly evm: {
    readonly bytecode: { readonly object: string };
    readonly deployedBytecode: { readonly object: string };
  };
}

/**
 * Compiles every contract of the package: name to the text of its artefact. Deterministic for the pinned compiler.
 * Interfaces and abstract contracts have no code, hence no artefact.
 * @throws Error with the compiler's messages, warnings included.
 */
export async function compileContracts(): Promise<Map<string, string>> {
  // The compiler is 10 MB of WebAssembly that no user of the artefacts needs.
  const solc = (await import('solc')).default;
  const files = readdirSync(folder)
    .filter((file) => file.endsWith('.sol'))
    .sort();
  const sources = Object.fromEntries(
    files.map((file) => [file, { content: readFileSync(new URL(file, folder), 'utf8') }]),
  );
  const settings = {
    evmVersion: 'cancun',
    optimizer: { enabled: true, runs: 1_000_000 },
    metadata: { bytecodeHash: 'none', appendCBOR: false },
    outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object'] } },
  };
  const output = JSON.parse(
    solc.compile(JSON.stringify({ language: 'Solidity', sources, settings })),
  ) as SolcOutput;
  if (output.errors?.length) throw new Error(output.errors.map((error) => error.formattedMessage).join('\n'));
  const contracts = files.map((file) => [nameOf(file), contractOf(output, file)] as const);
  return new Map(
    contracts
      .filter(([, { evm }]) => evm.bytecode.object)
      .map(([name, contract]) => [name, artifactText(contract)]),
  );
}

function nameOf(file: string): string {
  return file.slice(0, -'.sol'.length);
}

function contractOf(output: SolcOutput, file: string): SolcContract {
  const contract = output.contracts[file]?.[nameOf(file)];
  if (!contract) throw new Error(`${file} must define a contract of the same name.`);
  return contract;
}

function artifactText({ abi, evm }: SolcContract): string {
  const artifact = {
    abi,
    bytecode: `0x${evm.bytecode.object}`,
    runtimeBytecode: `0x${evm.deployedBytecode.object}`,
  };
  return `${JSON.stringify(artifact, null, 1)}\n`;
}
