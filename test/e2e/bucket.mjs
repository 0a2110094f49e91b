// @ts-check
import { createHash } from 'node:crypto';
import http from 'node:http';

const NAMES = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';

/** As much of an S3 server as n8n's S3 node asks for: it says where a bucket is, and takes files. */
export class Bucket {
	/** What was put into it, by path. @type {Record<string, { sha256: string, bytes: number }>} */
	files = {};

	/** @param {number} port */
	constructor(port) {
		this.credential = {
			endpoint: `http://127.0.0.1:${port}`,
			region: 'us-east-1',
			accessKeyId: 'e2e',
			secretAccessKey: 'e2e',
			forcePathStyle: true,
		};
	}

	/**
	 * @template T
	 * @param {(bucket: Bucket) => Promise<T>} work
	 * @returns {Promise<T>}
	 */
	static async for(work) {
		const server = http.createServer();
		await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
		const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
		const bucket = new Bucket(port);
		server.on('request', (request, response) => void bucket.#answer(request, response));
		try {
			return await work(bucket);
		} finally {
			server.closeAllConnections();
			server.close();
		}
	}

	/** @param {http.IncomingMessage} request @param {http.ServerResponse} response */
	async #answer(request, response) {
		const hash = createHash('sha256');
		let bytes = 0;
		for await (const chunk of request) {
			hash.update(chunk);
			bytes += chunk.length;
		}
		if (request.method === 'PUT') {
			const { pathname } = new URL(request.url ?? '/', 'http://localhost');
			this.files[decodeURIComponent(pathname.slice(1))] = { sha256: hash.digest('hex'), bytes };
			response.end();
			return;
		}
		response.setHeader('content-type', 'application/xml');
		response.end(`<LocationConstraint ${NAMES}>us-east-1</LocationConstraint>`);
	}
}
