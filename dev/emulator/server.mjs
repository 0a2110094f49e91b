// @ts-check
/** The two listeners, and the way of a request through them: journal, fault, handler, answer. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { Courier } from './callbacks.mjs';
import { CONTROL, control } from './control.mjs';
import { FaultBook, spoil, takesEffect } from './faults.mjs';
import { deliver, identity, isForeign, isLoopback, json, readAll } from './http.mjs';
import { Journal } from './journal.mjs';
import { ResultLinks } from './links.mjs';
import { magnific } from './magnific.mjs';
import { mediaRoute } from './mediaHost.mjs';
import { muleRouter } from './muleRouter.mjs';
import { ReferenceDesk } from './reference.mjs';
import { changeSettings, defaultSettings } from './settings.mjs';
import { Ledger } from './tasks.mjs';
import { UploadDesk } from './uploads.mjs';

/** @typedef {import('node:http').IncomingMessage} IncomingMessage */
/** @typedef {import('node:http').ServerResponse} ServerResponse */

/**
 * @typedef {object} Asked
 * @property {string} path without the query
 * @property {URLSearchParams} query
 * @property {import('./provider.mjs').Route} route
 * @property {import('./journal.mjs').Entry} entry
 * @property {IncomingMessage} request
 * @property {ServerResponse} response
 */

const HOST = '127.0.0.1';
/** Four Base64 images of the largest kind, and some. */
const LARGEST_BODY = 80 * 1024 * 1024;

/** @typedef {import('./provider.mjs').Api} Api */

/** @type {Api[]} */
const documentedApis = [magnific, muleRouter];

export class Emulator {
	apiUrl = '';
	mediaUrl = '';
	journal = new Journal();
	faults = new FaultBook();
	callbacks = new Courier(this);
	links = new ResultLinks(this);

	/**
	 * @param {string} directory for what lasts no longer than the emulator
	 * @param {Record<string, unknown>} ownDefaults settings that a reset goes back to
	 * @param {Api[]} apis
	 */
	constructor(directory, ownDefaults, apis) {
		this.apis = apis;
		this.providerNames = apis.map(({ name }) => name);
		this.ledger = new Ledger(this);
		this.ownDefaults = ownDefaults;
		this.settings = this.#defaults();
		this.references = new ReferenceDesk(directory);
		this.uploads = new UploadDesk(this, directory);
		this.api = new Listener('api', this);
		this.media = new Listener('media', this);
	}

	#defaults() {
		const settings = defaultSettings(this.providerNames);
		changeSettings(settings, this.ownDefaults);
		return settings;
	}

	/** @param {string} name @returns {Api} */
	provider = (name) => /** @type {Api} */ (this.apis.find((api) => api.name === name));

	reset() {
		this.settings = this.#defaults();
		for (const part of [
			this.ledger,
			this.callbacks,
			this.references,
			this.journal,
			this.faults,
			this.uploads,
		])
			part.reset();
	}
}

class Listener {
	#refusing = false;
	/** @type {NodeJS.Timeout | undefined} */ #return;
	port = 0;

	/**
	 * @param {'api'|'media'} name
	 * @param {Emulator} emulator
	 */
	constructor(name, emulator) {
		this.name = name;
		this.emulator = emulator;
		// Clients that keep connections must not meet one that is just being closed: that would be a fault nobody asked for.
		this.server = createServer(
			{ keepAliveTimeout: 65_000, requestTimeout: 0 },
			(request, response) => void this.#handle(request, response),
		);
	}

	/** @param {number} port 0: any free one */
	async listen(port) {
		this.server.listen({ port, host: HOST, backlog: 2048 });
		await once(this.server, 'listening');
		this.port = /** @type {import('node:net').AddressInfo} */ (this.server.address()).port;
		this.#refusing = false;
	}

	async close() {
		clearTimeout(this.#return);
		if (!this.server.listening) return;
		this.#refusing = true;
		const closed = once(this.server, 'close');
		this.server.close();
		this.server.closeAllConnections();
		await closed;
	}

	/** @param {number} ms how long connections are refused */
	async refuse(ms) {
		await this.close();
		this.#return = setTimeout(() => void this.listen(this.port), ms);
	}

	/**
	 * @param {IncomingMessage} request
	 * @param {ServerResponse} response
	 */
	async #handle(request, response) {
		if (isForeign(request)) {
			response.writeHead(403, { ...identity, connection: 'close' });
			response.end('The emulator answers programs of this machine only');
			return;
		}
		const [path, search = ''] = (request.url ?? '/').split(/\?(.*)/s);
		if (path === CONTROL || path.startsWith(`${CONTROL}/`))
			return control(this.emulator, request, response, path.slice(CONTROL.length));
		const route =
			this.name === 'api'
				? apiRoute(this.emulator.apis, request.method ?? '', path)
				: mediaRoute(this.emulator, request.method ?? '', path);
		const entry = this.emulator.journal.open(this.name, request, route);
		response.once('close', () => {
			entry.ended ??= response.writableFinished ? 'answered' : this.#refusing ? 'reset' : 'aborted';
		});
		try {
			await this.#answer({
				path,
				query: new URLSearchParams(search),
				route,
				entry,
				request,
				response,
			});
		} catch (error) {
			if (response.destroyed || request.destroyed) return;
			console.error('The emulator failed on', request.method, request.url, error);
			await deliver(
				json(500, { message: `The emulator itself failed: ${error}` }),
				request,
				response,
				entry,
			);
		}
	}

	/** @param {Asked} asked */
	async #answer({ path, query, route, entry, request, response }) {
		const { emulator } = this;
		if (this.name === 'media' && entry.carriesKey)
			emulator.journal.violation(entry, 'an API key reached the media host');
		const fault = emulator.faults.strike(entry);
		const body = route.streams ? Buffer.alloc(0) : await readAll(request, LARGEST_BODY);
		if (!body)
			return deliver(json(413, { message: 'The body is too large' }), request, response, entry);
		emulator.journal.keepBody(entry, body);
		const truth = takesEffect(fault, route.action)
			? await route.answer({ emulator, request, entry, body, fault, path, query })
			: null;
		const elsewhere = this.name === 'api' ? emulator.mediaUrl : `http://${HOST}:${this.port}`;
		const answer = fault
			? spoil(fault, truth, `${elsewhere}${request.url}`, entry.body)
			: /** @type {import('./http.mjs').Reply} */ (truth);
		// Whoever still sends when the connection is closed behind an answer may never read that answer.
		if (route.streams && !answer.delivery?.end) await finished(request.resume()).catch(() => {});
		await deliver(answer, request, response, entry);
	}
}

/**
 * @param {Api[]} apis
 * @param {string} method
 * @param {string} path
 * @returns {import('./provider.mjs').Route}
 */
function apiRoute(apis, method, path) {
	const provider = apis.find((api) => api.owns(path)) ?? apis[0];
	return (
		provider.route(method, path) ?? {
			action: 'other',
			provider: provider.owns(path) ? provider.name : null,
			answer: ({ emulator, entry }) => {
				emulator.journal.violation(entry, `${method} ${path} is no documented address`);
				return provider.dialect.refuse(404, 'Not found');
			},
		}
	);
}

/**
 * @param {{ port?: number, mediaPort?: number, host?: string, settings?: Record<string, unknown>, apis?: Api[] }} [options]
 *   settings become the defaults; apis are emulated beside the documented ones
 * @returns {Promise<{ emulator: true, apiUrl: string, mediaUrl: string, controlUrl: string, close: () => Promise<void> }>}
 * @throws {Error} with one sentence: a port in use, a host that is not loopback, an unknown setting
 */
export async function startEmulator({
	port = 0,
	mediaPort = 0,
	host = HOST,
	settings = {},
	apis = [],
} = {}) {
	if (!isLoopback(host)) throw new Error(`The emulator only listens on ${HOST}, never on ${host}.`);
	const all = [...documentedApis, ...apis];
	const unsound = changeSettings(defaultSettings(all.map(({ name }) => name)), settings);
	if (unsound.length > 0) throw new Error(`The setting ${unsound[0].name} ${unsound[0].reason}.`);
	const directory = await mkdtemp(join(tmpdir(), 'kling-v2v-emulator-run-'));
	const emulator = new Emulator(directory, settings, all);
	const close = async () => {
		emulator.reset();
		await Promise.all([emulator.api.close(), emulator.media.close()]);
		await rm(directory, { recursive: true, force: true });
	};
	try {
		await emulator.api.listen(port);
		await emulator.media.listen(mediaPort);
	} catch (error) {
		await close();
		const { code, port: wanted } = /** @type {NodeJS.ErrnoException & { port?: number }} */ (error);
		throw code === 'EADDRINUSE' ? new Error(`Port ${wanted} on ${HOST} is in use.`) : error;
	}
	emulator.apiUrl = `http://${HOST}:${emulator.api.port}`;
	// Another host name as well as another port: whatever compares origins sees two.
	emulator.mediaUrl = `http://localhost:${emulator.media.port}`;
	return {
		emulator: true,
		apiUrl: emulator.apiUrl,
		mediaUrl: emulator.mediaUrl,
		controlUrl: `${emulator.apiUrl}${CONTROL}`,
		close,
	};
}
