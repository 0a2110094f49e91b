// @ts-check
import { execFile } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { step } from '../../server/progress.mjs';
import { installPeers } from '../lab/peers.mjs';
import { median, pairedRatio } from '../report/figures.mjs';

const script = fileURLToPath(new URL('../lab/loadTime.mjs', import.meta.url));

/** @typedef {{ load: number, make: number, nodes: number, credentials: number }} Reading */

/** @param {import('../lab/lab.mjs').Lab} lab @param {{ quick: boolean }} options */
export async function loadAndSize(lab, { quick }) {
	const rounds = quick ? 3 : 25;
	const cache = path.dirname(lab.n8n.folder);
	const packages = [
		{ name: 'n8n-nodes-kling-v2v', version: 'this one', ...lab.packed },
		...(await step('Other community packages', async () =>
			installPeers(cache, path.join(lab.folder, 'peers.log')),
		)),
	];
	/** @type {Reading[][]} */
	const readings = packages.map(() => []);
	await step('Loading each in fresh processes', async (note) => {
		// The first round finds the files on disk, all others in memory, as an n8n that starts again does.
		for (let round = 0; round <= rounds; round++) {
			note(`round ${round} of ${rounds}`);
			for (const [n, { folder }] of packages.entries()) {
				const reading = await read(lab.n8n, folder);
				if (round > 0) readings[n]?.push(reading);
			}
		}
	});
	return answer(packages, readings, rounds);
}

/** @param {import('../../server/install.mjs').N8n} n8n @param {string} folder @returns {Promise<Reading>} */
async function read({ node, folder: n8nFolder }, folder) {
	const { stdout } = await promisify(execFile)(
		node,
		[script, folder, path.join(n8nFolder, 'package.json')],
		// As n8n does: what a package does not bring is taken from n8n.
		{ env: { PATH: process.env.PATH, NODE_PATH: path.join(n8nFolder, 'node_modules') } },
	);
	// A package may say something of its own while it loads.
	return JSON.parse(/** @type {string} */ (stdout.trim().split('\n').at(-1)));
}

/**
 * @param {{ name: string, version: string, bytes: number }[]} packages ours is the first
 * @param {Reading[][]} readings
 * @param {number} rounds
 * @returns {import('../report/answer.mjs').Answer}
 */
function answer(packages, readings, rounds) {
	const each = readings.map((list) =>
		list.map(({ load, make, nodes, credentials }) => (load + make) / (nodes + credentials)),
	);
	const [ours, ...others] = /** @type {[number[], ...number[][]]} */ (each);
	const ratios = others.map((theirs) => pairedRatio(ours, theirs));
	const names = packages.slice(1).map(({ name, version }) => `${name} ${version}`);
	const ourBytes = Number(packages[0]?.bytes);
	return {
		id: 'a',
		title: 'Does it make n8n start slower than another package?',
		decision: 'Install it, or do without.',
		how: `Every node and credential of a package is loaded in a fresh process, and one of each is made, as n8n does at its start. Medians of ${rounds} rounds, all packages in each round. Size is the packed tarball.`,
		rows: [
			...names.map((against, n) => ({
				what: 'time for each node and credential',
				against,
				ratio: Number(ratios[n]),
			})),
			{
				what: 'time for each node and credential',
				against: 'the median of these packages',
				ratio: median(ratios),
				most: 1,
			},
			...names.map((against, n) => ({
				what: 'size',
				against,
				ratio: ourBytes / Number(packages[n + 1]?.bytes),
			})),
		],
	};
}
