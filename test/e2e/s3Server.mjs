// @ts-check
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';

const load = createRequire(import.meta.url);

/** The only key that the server knows; it holds every signature against it. */
const KEY = 'S3RVER';

/** An S3-compatible server on loopback, with one empty bucket. */
export class S3Server {
	/**
	 * @param {string} endpoint
	 * @param {string} bucket
	 */
	constructor(endpoint, bucket) {
		this.endpoint = endpoint;
		this.bucket = bucket;
		/** For n8n's S3 nodes. */
		this.credential = {
			name: `S3 ${endpoint}`,
			type: 's3',
			data: {
				endpoint,
				region: 'us-east-1',
				accessKeyId: KEY,
				secretAccessKey: KEY,
				forcePathStyle: true,
			},
		};
	}

	/**
	 * @template T
	 * @param {string} bucket
	 * @param {(server: S3Server) => Promise<T>} work
	 * @returns {Promise<T>}
	 */
	static async for(bucket, work) {
		const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kling-v2v-s3-'));
		const S3rver = load('@20minutes/s3rver');
		const server = new S3rver({
			address: '127.0.0.1',
			port: 0,
			directory,
			silent: true,
			vhostBuckets: false,
			configureBuckets: [{ name: bucket }],
		});
		const { port } = await server.run();
		try {
			return await work(new S3Server(`http://127.0.0.1:${port}`, bucket));
		} finally {
			await server.close();
			fs.rmSync(directory, { recursive: true, force: true });
		}
	}

	/** @returns {Promise<string[]>} the names of the objects in the bucket */
	async names() {
		const text = await (await fetch(`${this.endpoint}/${this.bucket}?list-type=2`)).text();
		return [...text.matchAll(/<Key>([^<]*)<\/Key>/g)].map(
			([, name]) => /** @type {string} */ (name),
		);
	}

	/** @param {string} name */
	async object(name) {
		const response = await fetch(`${this.endpoint}/${this.bucket}/${encodeURIComponent(name)}`);
		if (!response.ok) throw new Error(`GET ${name}: ${response.status} ${await response.text()}`);
		const content = Buffer.from(await response.arrayBuffer());
		return {
			contentType: response.headers.get('content-type'),
			sha256: createHash('sha256').update(content).digest('hex'),
			bytes: content.length,
		};
	}
}
