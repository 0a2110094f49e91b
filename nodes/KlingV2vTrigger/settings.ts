import type { IWebhookFunctions } from 'n8n-workflow';
import type { CallbackEvent } from '../shared/wait/callback';
import { InvalidInput } from '../shared/errors';
import { isProviderName, providers } from '../shared/providers';
import type { Provider } from '../shared/providers';
import { authentication, events } from './properties';

/** What the user has chosen, as far as a callback depends on it. */
export interface Settings {
	provider: Provider;
	events: CallbackEvent[];
	/** A signature is asked for; otherwise the API is. */
	isSigned: boolean;
}

export function readSettings(context: Pick<IWebhookFunctions, 'getNodeParameter'>): Settings {
	const name = context.getNodeParameter('provider', 'magnific');
	if (!isProviderName(name)) throw new InvalidInput(['Provider must be magnific or muleRouter']);
	const usual = authentication[name];
	return {
		provider: providers[name],
		events: context.getNodeParameter(events.name, events.default) as CallbackEvent[],
		isSigned: context.getNodeParameter(usual.name, usual.default) === 'signature',
	};
}
