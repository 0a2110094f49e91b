// @ts-check
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { get } from 'node:http';
import { pipeline } from 'node:stream/promises';

/** Fetches a file with nothing of n8n in between: what Node.js itself can do on this machine. */
export class BareStream {
	description = {
		displayName: 'Bare Stream',
		name: 'bareStream',
		group: ['transform'],
		version: 1,
		description: 'Streams a file to disk',
		defaults: { name: 'Bare Stream' },
		inputs: ['main'],
		outputs: ['main'],
		properties: [
			{ displayName: 'URL', name: 'url', type: 'string', default: '' },
			{ displayName: 'File', name: 'file', type: 'string', default: '' },
		],
	};

	/** @this {import('n8n-workflow').IExecuteFunctions} */
	async execute() {
		const url = /** @type {string} */ (this.getNodeParameter('url', 0));
		const file = /** @type {string} */ (this.getNodeParameter('file', 0));
		const [response] = await once(get(url), 'response');
		await pipeline(response, createWriteStream(file));
		return [[{ json: {} }]];
	}
}
