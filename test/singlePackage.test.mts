import { spawnSync } from 'node:child_process';
import {
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { INodeProperties, INodeTypeDescription, IWorkflowBase } from 'n8n-workflow';
import { writeSingle, writeTables } from '../dev/package/single.mjs';
import { filesBelow } from './thirdProvider/build.mts';

/** The package with one provider, as `npm run package -- --only <provider>` makes it; the command lints and scans it, too. */

const scratch = mkdtempSync(path.join(tmpdir(), 'single-package-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe.each([
	{ only: 'magnific', credential: 'MagnificApi', absent: /mule-?router|mulerun/i },
	{ only: 'muleRouter', credential: 'MuleRouterApi', absent: /magnific|freepik/i },
])('The package with $only alone', ({ only, credential, absent }) => {
	const root = path.join(scratch, only);
	const load = <T,>(module: string): T =>
		createRequire(path.join(root, 'package.json'))(`./dist/nodes/${module}.js`) as T;
	const describedAs = (node: string): INodeTypeDescription =>
		new (load<Record<string, new () => { description: INodeTypeDescription }>>(
			`${node}/${node}.node`,
		)[node])().description;
	const parametersOf = (node: string, name: string): INodeProperties[] =>
		describedAs(node).properties.filter((property) => property.name === name);
	let name: string;

	beforeAll(() => {
		({ name } = writeSingle(process.cwd(), root, only));
		const tsc = path.resolve('node_modules/typescript/bin/tsc');
		const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', root], { encoding: 'utf8' });
		expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
		writeTables(root);
	}, 300_000);

	test('has a name of its own, and that provider and its credential alone', () => {
		const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
			name: string;
			n8n: { credentials: string[] };
			dependencies?: object;
		};
		expect(manifest.name).toBe(`n8n-nodes-kling-v2v-${only.toLowerCase()}`);
		expect(manifest.n8n.credentials).toEqual([`dist/credentials/${credential}.credentials.js`]);
		expect(manifest.dependencies).toBeUndefined();
		const { allProviders } =
			load<typeof import('../nodes/shared/providers/index.ts')>('shared/providers/index');
		expect(allProviders.map((provider) => provider.name)).toEqual([only]);
	});

	test('names no other provider anywhere', () => {
		const files = [
			'nodes',
			'credentials',
			'icons',
			'examples',
			'package.json',
			'README.md',
		].flatMap((part) => filesBelow(path.join(root, part)));
		const naming = files.filter(
			(file) => absent.test(path.relative(root, file)) || absent.test(readFileSync(file, 'utf8')),
		);
		expect(naming.map((file) => path.relative(root, file))).toEqual([]);
	});

	test('does not ask which provider, and offers only what that provider can do', () => {
		for (const node of ['KlingV2vGenerate', 'KlingTaskStatus', 'KlingV2vTrigger']) {
			const [provider] = parametersOf(node, 'provider');
			expect({ type: provider.type, default: provider.default }).toEqual({
				type: 'hidden',
				default: only,
			});
		}
		const { providers } =
			load<typeof import('../nodes/shared/providers/index.ts')>('shared/providers/index');
		const { callback, listPath } = providers[only];
		const completions = JSON.stringify(parametersOf('KlingV2vGenerate', 'completion'));
		expect(completions.includes('Pause Until Callback')).toBe(callback !== undefined);
		const operations = JSON.stringify(parametersOf('KlingTaskStatus', 'operation'));
		expect(operations.includes('Get Many')).toBe(listPath !== undefined);
	});

	test('brings examples of its own nodes with that provider', () => {
		const files = readdirSync(path.join(root, 'examples'));
		expect(files).toContain('reference-video-to-file.json');
		for (const file of files) {
			const { nodes } = JSON.parse(
				readFileSync(path.join(root, 'examples', file), 'utf8'),
			) as IWorkflowBase;
			const own = nodes.filter(({ type }) => type.includes('kling'));
			expect(own.every(({ type }) => type.startsWith(`${name}.`))).toBe(true);
			for (const { parameters } of own) expect(parameters.provider).toBe(only);
		}
	});

	test('fills its README with the tables of its parameters', () => {
		const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
		expect(readme).toContain('**Max Tasks per Execution** `maxTasksPerExecution`');
		expect(readme).not.toMatch(/\{\{\w+\}\}/);
		expect(readme).not.toMatch(/-->\n<!-- end of table/);
		// Labels, not the values that stand behind them.
		expect(readme).not.toMatch(/When to Continue: [^)|]*\b(callback|poll)\b/);
	});
});

test('A package with one provider, written again, keeps what its own repository has', () => {
	const root = path.join(scratch, 'again');
	writeSingle(process.cwd(), root, 'magnific');
	const file = (name: string) => path.join(root, name);
	const manifest = JSON.parse(readFileSync(file('package.json'), 'utf8')) as object;
	const homepage = 'https://github.com/somebody/a-repository#readme';
	writeFileSync(file('package.json'), JSON.stringify({ ...manifest, homepage, version: '0.0.1' }));
	mkdirSync(file('.git'));
	writeFileSync(file('.git/HEAD'), 'ref: refs/heads/main');
	writeFileSync(file('package-lock.json'), '{}');
	writeFileSync(file('nodes/old.ts'), '');

	writeSingle(process.cwd(), root, 'magnific');
	expect(readFileSync(file('.git/HEAD'), 'utf8')).toBe('ref: refs/heads/main');
	expect(existsSync(file('package-lock.json'))).toBe(true);
	expect(existsSync(file('nodes/old.ts'))).toBe(false);
	expect(JSON.parse(readFileSync(file('package.json'), 'utf8'))).toEqual({ ...manifest, homepage });
	// It is a link there, which a name with a slash behind it does not mean.
	expect(readFileSync(file('.gitignore'), 'utf8')).toMatch(/^node_modules$/m);
});

test('A package with one provider is not written over anything else', () => {
	const root = path.join(scratch, 'else');
	mkdirSync(root);
	writeFileSync(path.join(root, 'letter.txt'), 'Dear reader');
	expect(() => writeSingle(process.cwd(), root, 'magnific')).toThrow('holds something else');
	expect(readdirSync(root)).toEqual(['letter.txt']);
});

test('a provider that there is not is refused by name', () => {
	expect(() => writeSingle(process.cwd(), path.join(scratch, 'none'), 'acme')).toThrow(
		'There is no provider "acme": magnific, muleRouter.',
	);
});
