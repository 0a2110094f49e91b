import type { INodeCredentialDescription } from 'n8n-workflow';

/**
 * Each provider has its own key. By `hide`, not `show`: where conditions of credentials cover every
 * value of a parameter, the editor takes that parameter for a choice of authentication and hides it.
 */
export const credentials: INodeCredentialDescription[] = [
	{
		name: 'magnificApi',
		required: true,
		displayOptions: { hide: { provider: ['muleRouter'] } },
	},
	{
		name: 'muleRouterApi',
		required: true,
		displayOptions: { hide: { provider: ['magnific'] } },
	},
];
