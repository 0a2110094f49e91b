// @ts-check
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';

/** @typedef {import('ssh2').SFTPWrapper} Sftp */

const require = createRequire(import.meta.url);

const USER = { username: 'kling', password: 'emulator-password' };

/** An SFTP server on loopback, over an empty folder of its own. */
export class SftpServer {
	/**
	 * @param {number} port
	 * @param {string} root
	 */
	constructor(port, root) {
		this.root = root;
		/** For n8n's FTP node. */
		this.credential = {
			name: `SFTP ${port}`,
			type: 'sftp',
			data: { host: '127.0.0.1', port, ...USER },
		};
	}

	/**
	 * @template T
	 * @param {(server: SftpServer) => Promise<T>} work
	 * @returns {Promise<T>}
	 */
	static async for(work) {
		const { Server, utils } = /** @type {typeof import('ssh2')} */ (require('ssh2'));
		const root = fs.mkdtempSync(path.join(os.tmpdir(), 'kling-v2v-sftp-'));
		const hostKeys = [utils.generateKeyPairSync('ed25519').private];
		/** @type {Set<import('ssh2').Connection>} */
		const connections = new Set();
		const server = new Server({ hostKeys }, (connection) => {
			connections.add(connection);
			connection
				.on('error', () => {})
				.on('close', () => connections.delete(connection))
				.on('authentication', (request) => {
					const { username, method } = request;
					const isKnown =
						username === USER.username &&
						method === 'password' &&
						request.password === USER.password;
					if (isKnown) request.accept();
					else request.reject(['password']);
				})
				.on('session', (accept) => accept().on('sftp', (accepted) => serve(accepted(), root)));
		});
		await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
		try {
			return await work(new SftpServer(/** @type {any} */ (server.address()).port, root));
		} finally {
			for (const connection of connections) connection.end();
			await new Promise((resolve) => server.close(() => resolve(undefined)));
			fs.rmSync(root, { recursive: true, force: true });
		}
	}

	/** @returns {string[]} the paths of all its files */
	files() {
		return fs
			.readdirSync(this.root, { recursive: true, withFileTypes: true })
			.filter((entry) => entry.isFile())
			.map((entry) => path.join(entry.parentPath, entry.name));
	}
}

/**
 * The part of the protocol that an upload needs, on real files.
 *
 * @param {Sftp} sftp
 * @param {string} root
 */
function serve(sftp, root) {
	const { OPEN_MODE, STATUS_CODE } = /** @type {typeof import('ssh2')} */ (require('ssh2')).utils
		.sftp;
	const local = (/** @type {string} */ remote) => path.join(root, path.posix.resolve('/', remote));
	const open = new Set();

	/** @param {(id: number, ...more: any[]) => void} work its errors become the answer */
	const answer =
		(work) =>
		(/** @type {number} */ id, /** @type {any[]} */ ...more) => {
			try {
				work(id, ...more);
			} catch (error) {
				const { code } = /** @type {NodeJS.ErrnoException} */ (error);
				sftp.status(id, code === 'ENOENT' ? STATUS_CODE.NO_SUCH_FILE : STATUS_CODE.FAILURE);
			}
		};
	const done = (/** @type {number} */ id) => sftp.status(id, STATUS_CODE.OK);
	const fileOf = (/** @type {Buffer} */ handle) => {
		const file = handle.readUInt32BE();
		if (!open.has(file)) throw new Error('no such handle');
		return file;
	};
	/** @param {fs.Stats} stats */
	const attributes = ({ mode, uid, gid, size, atimeMs, mtimeMs }) => ({
		...{ mode, uid, gid, size },
		...{ atime: Math.floor(atimeMs / 1000), mtime: Math.floor(mtimeMs / 1000) },
	});
	const stat = answer((id, remote) => sftp.attrs(id, attributes(fs.statSync(local(remote)))));

	sftp
		.on(
			'REALPATH',
			answer((id, remote) => {
				const filename = path.posix.resolve('/', remote);
				sftp.name(id, [{ filename, longname: filename, attrs: /** @type {any} */ ({}) }]);
			}),
		)
		.on('STAT', stat)
		.on('LSTAT', stat)
		.on(
			'MKDIR',
			answer((id, remote) => {
				fs.mkdirSync(local(remote));
				done(id);
			}),
		)
		.on(
			'OPEN',
			answer((id, remote, flags) => {
				if (!(flags & OPEN_MODE.WRITE)) throw new Error('for uploads only');
				const file = fs.openSync(local(remote), 'w');
				open.add(file);
				const handle = Buffer.alloc(4);
				handle.writeUInt32BE(file);
				sftp.handle(id, handle);
			}),
		)
		.on(
			'WRITE',
			answer((id, handle, offset, data) => {
				fs.writeSync(fileOf(handle), data, 0, data.length, offset);
				done(id);
			}),
		)
		.on(
			'FSTAT',
			answer((id, handle) => sftp.attrs(id, attributes(fs.fstatSync(fileOf(handle))))),
		)
		.on('FSETSTAT', answer(done))
		.on('SETSTAT', answer(done))
		.on(
			'CLOSE',
			answer((id, handle) => {
				const file = fileOf(handle);
				fs.closeSync(file);
				open.delete(file);
				done(id);
			}),
		);
}
