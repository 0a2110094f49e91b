// @ts-check
import { execFile } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { step } from '../../server/progress.mjs';
import { installPeers } from '../lab/peers.mjs';
import { bars } from '../report/chart.mjs';
import { digits, median, pairedRatio, times } from '../report/figures.mjs';

const script = fileURLToPath(new URL('../lab/loadTime.mjs', import.meta.url));

const MOST_MS = 5;
const MOST_BYTES = 60_000;

/** @typedef {{ workflow: number, load: number, make: number, nodes: number, credentials: number }} Reading */

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
 * @param {{ name: string, version: string, bytes: number }[]} packages
 * @param {Reading[][]} readings
 * @param {number} rounds
 * @returns {import('../report/answer.mjs').Answer}
 */
function answer(packages, readings, rounds) {
	const loads = readings.map((list) => list.map(({ load }) => load));
	const ours = /** @type {number[]} */ (loads[0]);
	const ourBytes = /** @type {{ bytes: number }} */ (packages[0]).bytes;
	const ourLoad = median(ours);
	const names = packages.map(({ name }) => name.replace('n8n-nodes-', ''));

	const rows = packages.map(({ name, version, bytes }, n) => {
		const list = /** @type {Reading[]} */ (readings[n]);
		const first = /** @type {Reading} */ (list[0]);
		const isOurs = n === 0;
		return [
			`${name} ${isOurs ? `(${version})` : version}`,
			`${first.nodes} + ${first.credentials}`,
			`${digits(median(list.map(({ load }) => load)))} ms`,
			isOurs ? '' : times(pairedRatio(ours, /** @type {number[]} */ (loads[n]))),
			`${digits(median(list.map(({ make }) => make)))} ms`,
			`${digits(bytes / 1000)} kB`,
			isOurs ? '' : times(ourBytes / bytes),
		];
	});
	const workflows = readings.flatMap((list) => list.map(({ workflow }) => workflow));
	const faster = names.filter((_, n) => median(/** @type {number[]} */ (loads[n])) < ourLoad);
	const made = readings.map((list) => median(list.map(({ make }) => make)));
	const quicker = names.filter((_, n) => Number(made[n]) < Number(made[0]));
	const smaller = packages.filter(({ bytes }) => bytes < ourBytes).map(({ name }) => name);
	return {
		id: 'a',
		title: 'How much does the package add to the start of n8n?',
		how: [
			`Every node and credential of a package is loaded in a fresh process in which n8n-workflow is loaded already, and then one of each is made, as n8n does at its start. Medians of ${rounds} rounds, all packages in each round. n8n-workflow itself, loaded in the same processes, took ${digits(median(workflows))} ms: a measure of the machine. Size is the packed tarball as npm brings it, without dependencies of its own.`,
		],
		tables: [
			{
				columns: [
					'package',
					'nodes + credentials',
					'load',
					'our load is',
					'make one of each',
					'packed',
					'our size is',
				],
				rows,
			},
		],
		targets: [
			{
				text: `All our nodes and credentials load in at most ${MOST_MS} ms`,
				measured: `${digits(ourLoad)} ms (fastest of ${rounds}: ${digits(Math.min(...ours))} ms)`,
				met: ourLoad <= MOST_MS,
			},
			{
				text: `At most ${MOST_BYTES / 1000} kB packed`,
				measured: `${digits(ourBytes / 1000)} kB`,
				met: ourBytes <= MOST_BYTES,
			},
		],
		pictures: [
			{
				name: 'bench-load',
				alt: 'Time to load all nodes and credentials, by package',
				svg: bars({
					title: 'Time to load all nodes and credentials of a package',
					groups: packages.map((_, n) => {
						const value = median(/** @type {number[]} */ (loads[n]));
						const label = /** @type {string} */ (names[n]);
						return {
							label,
							bars: [{ name: label, value, shown: `${digits(value)} ms`, colour: n === 0 ? 0 : 2 }],
						};
					}),
					hasLegend: false,
				}),
			},
		],
		losses: [
			...(faster.length > 0 ? [`Faster to load than ours: ${faster.join(', ')}.`] : []),
			...(quicker.length > 0 ? [`Quicker to make one of each: ${quicker.join(', ')}.`] : []),
			...(smaller.length > 0 ? [`Smaller than ours: ${smaller.join(', ')}.`] : []),
		],
	};
}
