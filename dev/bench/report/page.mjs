// @ts-check
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { root } from '../../setup.mjs';
import { times } from './figures.mjs';

/** @typedef {import('./answer.mjs').Answer} Answer */
/** @typedef {{ minutes: number, n8n: string, node: string, failed: string[] }} Run */

/** By less, two figures of one machine are the same. */
const CHANCE = 1.03;

/**
 * Writes docs/benchmarks.md. Every figure in it is of this run.
 *
 * @param {Answer[]} answers
 * @param {Run} run
 * @returns {string} the page's file
 */
export function writePage(answers, run) {
	const file = path.join(root, 'docs/benchmarks.md');
	fs.writeFileSync(file, page(answers, run));
	return file;
}

/** @param {Answer[]} answers @param {Run} run */
function page(answers, { minutes, n8n, node, failed }) {
	const memory = Math.round(os.totalmem() / 2 ** 30);
	const targets = answers.flatMap(({ rows }) => rows.filter(({ most }) => most !== undefined));
	const met = targets.filter(isMet).length;
	return `${[
		'# Benchmarks',
		'How these nodes compare with what one would use instead. Every figure is **ours divided by theirs**, from the same run on the same machine, so it holds elsewhere as well. Less is better throughout: 0.50x means half as much. What is worse than the other is in bold. An emulator stands in for the provider, so nothing here says how fast a provider is.',
		`n8n ${n8n} on Node.js ${node}, with its own defaults; ${os.cpus().length} cores and ${memory} GB of memory, which other programs may have shared; ${Math.round(minutes)} minutes. This page is written by the benchmark.`,
		`**${met} of ${targets.length} targets are met.**${failed.length > 0 ? ` Without an answer in this run: ${failed.map((id) => `(${id})`).join(', ')}.` : ''}`,
		...answers.flatMap((answer) => [
			`## (${answer.id}) ${answer.title}`,
			`**To decide:** ${answer.decision}`,
			answer.how,
			table(answer),
		]),
		'## Repeat it',
		'```\nnpm run bench                       # all, and writes this page\nnpm run bench -- --only a,d         # some of it\nnpm run bench -- --quick            # everything once and small, to see that it works\n```',
		'From a fresh clone, with Node.js 20 or newer and npm; it installs what it needs, n8n among it (about 3 GB, once). Question (e) needs PostgreSQL and Redis on their standard ports, where it makes a database and a key prefix of its own and removes them.',
	].join('\n\n')}\n`;
}

const isMet = (/** @type {import('./answer.mjs').Row} */ { ratio, most = Infinity }) =>
	ratio <= most;

/** The rows of an answer, as Markdown; the terminal shows the same. @param {Answer} answer */
export function table({ rows }) {
	const line = (/** @type {string[]} */ cells) => `| ${cells.join(' | ')} |`;
	return [
		line(['figure', 'against', 'ours is', 'target']),
		'| --- | --- | ---: | ---: |',
		...rows.map(({ what, against, ratio, most }) => {
			const shown = ratio > CHANCE ? `**${times(ratio)}**` : times(ratio);
			const target = most === undefined ? '' : `at most ${times(most)}`;
			const verdict = most === undefined || ratio <= most ? '' : ', **missed**';
			return line([what, against, shown, `${target}${verdict}`]);
		}),
	].join('\n');
}
