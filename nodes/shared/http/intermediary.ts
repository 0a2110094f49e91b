import { asText } from '../util/unknown';
import type { Answer } from './answer';

/**
 * Answers that are not the API's own: a proxy, a firewall, a filter against bots or Cloudflare stands between. What
 * they say is nothing about the key, the request or the task.
 */
export interface Intermediary {
	/** Follows the name of the provider. */
	what: string;
	advice: string;
}

/** https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-1xxx-errors/ */
const FILTER = /^\s{0,20}error code: (1\d{3})\b/i;

/** https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/ */
const isCloudflareStatus = (status: number) => status >= 520 && status <= 530;

const PAGE = /^\s{0,200}<(!doctype|html|head|\?xml)/i;

/** @returns who has answered in place of the API, or undefined where nothing says so */
export function intermediaryOf({ status, headers, body }: Answer): Intermediary | undefined {
	if (status === 407) {
		return {
			what: 'is behind a proxy that asks n8n for a log-in',
			advice:
				"The proxy between n8n and the internet has answered: put its user and password into n8n's environment variable HTTPS_PROXY.",
		};
	}
	const text = typeof body === 'string' ? body.slice(0, 1_000) : '';
	const [, code] = FILTER.exec(text) ?? [];
	if (code !== undefined) {
		return {
			what: `is behind a filter against bots, which does not let n8n through (Cloudflare error ${code})`,
			advice: `The API itself has not answered, so this says nothing about the key. Send the provider's support this error and n8n's public address, or let n8n reach the internet by another address.`,
		};
	}
	if (isCloudflareStatus(status)) {
		return {
			what: `cannot be reached: Cloudflare, which stands before it, has answered (error ${status})`,
			advice: 'The trouble is at the provider. Run again later.',
		};
	}
	if (status < 300 || !PAGE.test(text)) return undefined;
	const server = asText(headers.server);
	return {
		what: `has not answered: a web page came instead${server ? ` (from ${server.slice(0, 40)})` : ''}`,
		advice:
			'A proxy, a firewall or a filter between n8n and the API has answered, so this says nothing about the key. Check the Base URL in the credential, and what stands between.',
	};
}
