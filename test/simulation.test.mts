import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { STATEFUL } from './simulation/builtNode.mts';
import { HISTORIES } from './simulation/histories.mts';

/** The node's code in a simulated n8n: see test/simulation/README.md. */

/** The simulation takes the clock of its process: it has one of its own. */
async function simulate(...given: string[]): Promise<{ code: number | null; lines: string[] }> {
	const main = path.join(process.cwd(), 'test/simulation/main.mjs');
	const child = spawn(process.execPath, [main, ...given], { stdio: ['ignore', 'pipe', 'inherit'] });
	let text = '';
	child.stdout.on('data', (chunk: Buffer) => (text += String(chunk)));
	const code = await new Promise<number | null>((end) => child.on('close', end));
	return { code, lines: text.trim().split('\n') };
}

test('whatever fails and whoever dies, no item is paid twice, no task is lost, and nothing runs on', async () => {
	const { code, lines } = await simulate('--runs', '24000');
	process.stdout.write(`${lines[0]}\n`);
	expect(lines.slice(1)).toEqual([]);
	expect(code).toBe(0);
}, 1_200_000);

const broken = new Map<string, string[]>();
beforeAll(async () => {
	for (const line of (await simulate('--histories')).lines) {
		const history = JSON.parse(line) as { title: string; broken: string[] };
		broken.set(history.title, history.broken);
	}
});

test.each(HISTORIES)('$title', ({ title }) => {
	expect(broken.get(title)).toEqual([]);
});

/** A variable of a module, or a collection that it fills: `new Map(` with nothing in it. */
const KEPT = /^(?:let |const \w+ = new \w*(?:\.\w+)?(?:Map|Set)\((?:\d|\)))/m;

/** Those of the trigger, and of bodies that arrive slowly, which the simulation does not use. */
const UNUSED = ['KlingV2vTrigger/nodeState', 'shared/wait/callback'];

test('the simulation knows every module that keeps something between two calls', () => {
	const dist = path.join(process.cwd(), 'dist/nodes');
	const modules = fs
		.readdirSync(dist, { recursive: true, encoding: 'utf8' })
		.filter((file) => file.endsWith('.js'))
		.filter((file) => KEPT.test(fs.readFileSync(path.join(dist, file), 'utf8')))
		.map((file) => file.replace(/\.js$/, ''));
	expect(modules.sort()).toEqual([...Object.keys(STATEFUL), ...UNUSED].sort());
});
