// @ts-check
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { root } from '../../setup.mjs';

/** @typedef {import('./answer.mjs').Answer} Answer */
/** @typedef {import('./answer.mjs').Table} Table */

/**
 * Writes docs/benchmarks.md and its pictures. Every figure in them is of this run.
 *
 * @param {Answer[]} answers
 * @param {{ minutes: number, lab: import('../lab/lab.mjs').Lab, nodeVersion: string, failed: string[] }} run
 * @returns {string} the page's file
 */
export function writePage(answers, run) {
	const docs = path.join(root, 'docs');
	const images = path.join(docs, 'images');
	fs.mkdirSync(images, { recursive: true });
	for (const old of fs.readdirSync(images)) {
		if (/^bench-.*\.svg$/.test(old)) fs.rmSync(path.join(images, old));
	}
	for (const { name, svg } of answers.flatMap(({ pictures }) => pictures)) {
		fs.writeFileSync(path.join(images, `${name}.svg`), svg);
	}
	const file = path.join(docs, 'benchmarks.md');
	fs.writeFileSync(file, page(answers, run));
	return file;
}

/** @param {Answer[]} answers @param {{ minutes: number, lab: import('../lab/lab.mjs').Lab, nodeVersion: string, failed: string[] }} run */
function page(answers, { minutes, lab, nodeVersion, failed }) {
	const memory = Math.round(os.totalmem() / 2 ** 30);
	const targets = answers.flatMap(({ id, targets }) => targets.map((each) => ({ id, ...each })));
	const met = targets.filter((target) => target.met).length;
	const losses = answers.flatMap(({ id, losses }) => losses.map((text) => ({ id, text })));
	const missed = targets.filter((target) => !target.met);

	return `${[
		'# Benchmarks',
		'How these nodes compare with what one would use instead: other packages, the HTTP Request node, a polling loop, the Webhook node. Both sides of every comparison ran in the same run on the same machine; an emulator stands in for the provider, so nothing here says how fast a provider is. This page and its plots are written by the benchmark from its own figures.',
		`Machine: ${os.cpus().length} cores, ${memory} GB of memory, ${os.platform()} ${os.arch()}, which other programs may have shared. n8n ${lab.n8n.version} on Node.js ${nodeVersion}, its own defaults but where a section says otherwise. The whole run took ${Math.round(minutes)} minutes. Compare ratios rather than seconds: the seconds are this machine's.`,
		'## Repeat it',
		'```\nnpm run bench                       # all, and writes this page\nnpm run bench -- --only a,d         # some of it\nnpm run bench -- --quick            # everything once and small, to see that it works\n```',
		'From a fresh clone, with Node.js 20 or newer and npm; it installs what it needs, n8n among it (about 3 GB, once). Question (f) needs PostgreSQL and Redis on their standard ports, where it makes a database and a key prefix of its own and removes them.',
		'## In short',
		`${met} of ${targets.length} targets are met.${failed.length > 0 ? ` Without an answer in this run: ${failed.map((id) => `(${id})`).join(', ')}.` : ''}`,
		markdown({
			columns: ['', 'target', 'measured', ''],
			rows: targets.map(({ id, text, measured, met: isMet }) => [
				`[${id}](#${anchor(/** @type {Answer} */ (answers.find((each) => each.id === id)))})`,
				text,
				measured,
				isMet ? 'met' : '**missed**',
			]),
		}),
		'## Where we lose',
		...(missed.length + losses.length === 0
			? ['Nowhere in this run.']
			: [
					[
						...missed.map(
							({ id, text, measured }) =>
								`- (${id}) Target missed: ${text}. Measured: ${measured}.`,
						),
						...losses.map(({ id, text }) => `- (${id}) ${text}`),
					].join('\n'),
				]),
		...answers.flatMap(section),
	].join('\n\n')}\n`;
}

const heading = (/** @type {Answer} */ { id, title }) => `(${id}) ${title}`;

/** As hosts of Markdown make them from a heading. @param {Answer} answer */
const anchor = (answer) =>
	heading(answer)
		.toLowerCase()
		.replace(/[^\w\- ]/g, '')
		.replace(/ /g, '-');

/** @param {Answer} answer */
function section(answer) {
	const { how, tables, pictures } = answer;
	return [
		`## ${heading(answer)}`,
		...how,
		...tables.flatMap((table) => [
			...(table.caption ? [`**${table.caption}**`] : []),
			markdown(table),
		]),
		...pictures.map(({ name, alt }) => `![${alt}](images/${name}.svg)`),
	];
}

/** @param {Table} table */
function markdown({ columns, rows }) {
	const line = (/** @type {string[]} */ cells) => `| ${cells.join(' | ')} |`;
	// The first column names things, all others are figures.
	const rule = line(columns.map((_, column) => (column === 0 ? '---' : '---:')));
	return [line(columns), rule, ...rows.map(line)].join('\n');
}
