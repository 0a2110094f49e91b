// @ts-check
// `npm run test:e2e`: the packed package where its users have it, in real n8n servers and in the editor. Nothing here costs
// money or leaves the machine: an emulator stands in for both providers.
import util from 'node:util';
import { setUp } from '../../dev/setup.mjs';
import { isMain, runCommand } from '../../dev/server/command.mjs';
import { installN8n } from '../../dev/server/install.mjs';
import { Problem } from '../../dev/server/problem.mjs';
import { Report } from './report.mjs';
import { callbacks, callbacksLoad, callbacksQueue } from './suites/callbacks.mjs';
import { editor } from './suites/editor.mjs';
import { queue } from './suites/queue.mjs';
import { oldest } from './suites/oldest.mjs';
import { sqlite } from './suites/sqlite.mjs';
import { storage } from './suites/storage.mjs';

/** @type {Record<string, (report: Report, n8n: import('../../dev/server/install.mjs').N8n) => Promise<void>>} */
const suites = {
	sqlite,
	queue,
	callbacks,
	callbacksQueue,
	callbacksLoad,
	storage,
	oldest,
	editor,
};

const HELP = `npm run test:e2e [-- options] [suites]

  suites         any of ${Object.keys(suites).join(', ')}; all by default.
                 queue, callbacksQueue and callbacksLoad need PostgreSQL and Redis (on their usual ports, or where PGHOST,
                 PGPORT, PGUSER, PGPASSWORD, REDIS_HOST and REDIS_PORT say), editor needs Chromium (CHROMIUM_PATH)
  --only <text>  only cases with this in their name`;

/** @param {string[]} args @returns {Promise<number>} the exit code */
async function main(args) {
	const { values, positionals } = util.parseArgs({
		args,
		allowPositionals: true,
		options: {
			help: { type: 'boolean', default: false },
			only: { type: 'string', default: '' },
		},
	});
	if (values.help) {
		console.log(HELP);
		return 0;
	}
	const unknown = positionals.find((name) => !(name in suites));
	if (unknown) throw new Problem(`There is no suite "${unknown}".\n${HELP}`);

	await setUp();
	const n8n = await installN8n();
	const report = new Report(values);
	for (const [name, run] of Object.entries(suites)) {
		const began = Date.now();
		if (positionals.length > 0 && !positionals.includes(name)) continue;
		try {
			await run(report, n8n);
		} catch (error) {
			// The others have their turn all the same, and the report comes.
			report.fail(name, 'from beginning to end', began, error);
		}
	}
	return report.print();
}

if (isMain(import.meta.url)) await runCommand(() => main(process.argv.slice(2)));
