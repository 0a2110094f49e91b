// @ts-check
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Empties n8n's memory of what a former run has left, so that the next one begins with a clean base. */
export class CollectGarbage {
	description = {
		displayName: 'Collect Garbage',
		name: 'collectGarbage',
		group: ['transform'],
		version: 1,
		description: 'Frees memory',
		defaults: { name: 'Collect Garbage' },
		inputs: ['main'],
		outputs: ['main'],
		properties: [],
	};

	async execute() {
		setFlagsFromString('--expose-gc');
		const collect = runInNewContext('gc');
		for (let times = 0; times < 3; times++) {
			collect();
			await new Promise((resolve) => setTimeout(resolve, 100));
		}
		return [[{ json: {} }]];
	}
}
