// @ts-check
/** Fetches a file as nodes for AI media mostly do: whole, into memory, and then into n8n's binary store. */
export class Buffered {
	description = {
		displayName: 'Buffered',
		name: 'buffered',
		group: ['transform'],
		version: 1,
		description: 'Fetches a file through memory',
		defaults: { name: 'Buffered' },
		inputs: ['main'],
		outputs: ['main'],
		properties: [{ displayName: 'URL', name: 'url', type: 'string', default: '' }],
	};

	/** @this {import('n8n-workflow').IExecuteFunctions} */
	async execute() {
		const url = /** @type {string} */ (this.getNodeParameter('url', 0));
		const body = await this.helpers.httpRequest({ method: 'GET', url, encoding: 'arraybuffer' });
		const data = await this.helpers.prepareBinaryData(body, 'clip.mp4', 'video/mp4');
		return [[{ json: {}, binary: { data } }]];
	}
}
