// @ts-check
import { parseArgs } from 'node:util';
import { Problem } from '../server/problem.mjs';
import { questions } from './questions/index.mjs';

const ids = [...questions.keys()];

export const HELP = `npm run bench [-- options]

  --only <letters>   some of the questions, such as a,d; docs/benchmarks.md is then left alone
  --quick            everything once and small: shows that the bench works, not how fast anything is

  ${[...questions].map(([id, { name }]) => `${id}  ${name}`).join('\n  ')}`;

/** @param {string[]} args */
export function readOptions(args) {
	try {
		const { values } = parseArgs({
			args,
			options: {
				only: { type: 'string', default: ids.join() },
				quick: { type: 'boolean', default: false },
				help: { type: 'boolean', default: false },
			},
		});
		const only = values.only.split(',').map((id) => id.trim());
		const unknown = only.find((id) => !ids.includes(id));
		if (unknown !== undefined) {
			throw new Error(`--only takes letters out of ${ids.join()}, not "${unknown}".`);
		}
		const isWhole = !values.quick && ids.every((id) => only.includes(id));
		return { only, quick: values.quick, help: values.help, isWhole };
	} catch (error) {
		const { message } = /** @type {Error} */ (error);
		throw new Problem(
			`${message.replace(/\.?$/, '.')} \`npm run bench -- --help\` lists the options.`,
		);
	}
}
