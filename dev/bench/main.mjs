// @ts-check
// `npm run bench`: from a fresh clone to docs/benchmarks.md. Nothing here costs money or leaves the machine, but for
// the packages that npm brings.
import { execFileSync } from 'node:child_process';
import { isMain, runCommand } from '../server/command.mjs';
import { report } from '../server/problem.mjs';
import { seconds } from '../server/progress.mjs';
import { Lab } from './lab/lab.mjs';
import { HELP, readOptions } from './options.mjs';
import { questions } from './questions/index.mjs';
import { table, writePage } from './report/page.mjs';

/** @param {string} node */
const versionOf = (node) => execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();

/** @param {string[]} args @returns {Promise<number>} the exit code */
async function main(args) {
	const options = readOptions(args);
	if (options.help) {
		console.log(HELP);
		return 0;
	}
	const began = Date.now();
	const lab = await Lab.open();
	/** @type {import('./report/answer.mjs').Answer[]} */
	const answers = [];
	/** @type {string[]} */
	const spent = [];
	/** @type {string[]} */
	const failed = [];
	try {
		for (const [id, ask] of questions) {
			if (!options.only.includes(id)) continue;
			const since = Date.now();
			try {
				const answer = await ask(lab, options);
				answers.push(answer);
				console.log(`\n(${answer.id}) ${answer.title}\n\n${table(answer)}`);
			} catch (error) {
				// The others have their answers all the same.
				report(error);
				failed.push(id);
			}
			spent.push(`(${id}) ${seconds(Date.now() - since)}`);
			console.log();
		}
	} finally {
		lab.close();
	}
	console.log(`Time taken: ${seconds(Date.now() - began)}; ${spent.join(', ')}`);

	// The page holds the figures of one whole run, never those of several put together.
	if (options.isWhole) {
		const minutes = (Date.now() - began) / 60_000;
		const { version, node } = lab.n8n;
		const file = writePage(answers, { minutes, n8n: version, node: versionOf(node), failed });
		console.log(`Written: ${file}`);
	}
	if (failed.length > 0) console.log(`Without an answer: ${failed.join()}`);
	return failed.length > 0 ? 1 : 0;
}

if (isMain(import.meta.url)) await runCommand(() => main(process.argv.slice(2)));
