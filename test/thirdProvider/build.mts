import { spawnSync } from 'node:child_process';
import {
	cpSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** The package with one more provider, in a folder of its own. */
export interface Build {
	root: string;
	/** The files that differ from the package's sources, with the lines that are new in each. */
	changes: Record<string, string[] | 'new'>;
	remove(): void;
}

const OURS = path.resolve('test/thirdProvider');
const SOURCES = ['nodes', 'credentials', 'icons', 'package.json', 'tsconfig.json'];

/**
 * Copies the package's sources, adds the provider to them as CONTRIBUTING says, and compiles them.
 * @throws where the compiler has anything to say
 */
export function buildWithThirdProvider(): Build {
	const root = mkdtempSync(path.join(tmpdir(), 'third-provider-'));
	for (const name of SOURCES) cpSync(name, path.join(root, name), { recursive: true });
	symlinkSync(path.resolve('node_modules'), path.join(root, 'node_modules'));
	addProvider(root);
	const tsc = path.resolve('node_modules/typescript/bin/tsc');
	const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', root], { encoding: 'utf8' });
	if (status !== 0) throw new Error(stdout);
	return {
		root,
		changes: changesIn(root),
		remove: () => rmSync(root, { recursive: true, force: true }),
	};
}

function addProvider(root: string): void {
	const to = (...parts: string[]) => path.join(root, ...parts);
	// They end in .txt here, as their imports lead nowhere before they are in place.
	mkdirSync(to('nodes/shared/providers/acme'));
	for (const file of ['index.ts', 'parameters.ts', 'api.ts']) {
		cpSync(path.join(OURS, 'acme', `${file}.txt`), to('nodes/shared/providers/acme', file));
	}
	const credential = 'AcmeApi.credentials.ts';
	cpSync(path.join(OURS, `${credential}.txt`), to('credentials', credential));
	for (const icon of ['acme.svg', 'acme.dark.svg']) {
		writeFileSync(to('icons', icon), '<svg xmlns="http://www.w3.org/2000/svg"/>\n');
	}
	insert(
		to('nodes/shared/providers/registry.ts'),
		/(?=export \{ magnific)/,
		"export { acme } from './acme';\n",
	);
	insert(
		to('package.json'),
		/(?=\t\t\t"dist\/credentials\/Magnific)/,
		'\t\t\t"dist/credentials/AcmeApi.credentials.js",\n',
	);
}

function insert(file: string, at: RegExp, line: string): void {
	const text = readFileSync(file, 'utf8');
	if (!at.test(text)) throw new Error(`${file} has no place for ${line}`);
	writeFileSync(
		file,
		text.replace(at, () => line),
	);
}

function changesIn(root: string): Build['changes'] {
	const files = SOURCES.flatMap((name) => filesBelow(path.join(root, name)));
	return Object.fromEntries(
		files.flatMap((file): Array<[string, string[] | 'new']> => {
			const name = path.relative(root, file);
			const after = readFileSync(file, 'utf8').split('\n');
			const before = readLines(name);
			if (!before) return [[name, 'new']];
			const added = after.filter((line) => !before.includes(line));
			const isSame = after.length === before.length && added.length === 0;
			return isSame ? [] : [[name, added.map((line) => line.trim())]];
		}),
	);
}

function readLines(name: string): string[] | undefined {
	try {
		return readFileSync(name, 'utf8').split('\n');
	} catch {
		return undefined;
	}
}

/** @returns every file in a folder, at any depth; a file alone stands for itself */
export function filesBelow(at: string): string[] {
	if (!path.extname(at)) {
		return readdirSync(at, { recursive: true, withFileTypes: true })
			.filter((entry) => entry.isFile())
			.map((entry) => path.join(entry.parentPath, entry.name));
	}
	return [at];
}
