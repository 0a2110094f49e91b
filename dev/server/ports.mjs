// @ts-check
import net from 'node:net';
import { Problem } from './problem.mjs';

const LOOPBACK = '127.0.0.1';

/** @param {number} port 0 lets the system choose @returns {Promise<number>} the port, which is free again */
function tryPort(port) {
	return new Promise((resolve, reject) => {
		const server = net.createServer();
		server.once('error', reject);
		server.listen(port, LOOPBACK, () => {
			const chosen = /** @type {net.AddressInfo} */ (server.address()).port;
			server.close(() => resolve(chosen));
		});
	});
}

/** @param {number} [preferred] taken if it is free */
export const freePort = async (preferred = 0) => await tryPort(preferred).catch(() => tryPort(0));

/**
 * @param {number} port
 * @param {string} option the command's option that chooses another
 */
export async function requirePort(port, option) {
	try {
		await tryPort(port);
	} catch (error) {
		const { code } = /** @type {NodeJS.ErrnoException} */ (error);
		const why = code === 'EACCES' ? 'may not be used by this user' : 'is in use by another program';
		throw new Problem(
			`Port ${port} ${why}: stop that program, or choose another port with ${option}.`,
			{ cause: error },
		);
	}
}
