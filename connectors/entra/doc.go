// Package entra reads users and devices from Microsoft Entra ID, once called
// Azure Active Directory, through Microsoft Graph.
//
// What to create at Microsoft: in the Entra admin center under App registrations
// an application with a client secret, and for it the application permissions
// User.Read.All and Device.Read.All with admin consent. Two settings ask for more:
// the last sign-in takes AuditLog.Read.All and a P1 license, the leave date takes
// User-LifeCycleInfo.Read.All
// (https://learn.microsoft.com/graph/auth-v2-service).
//
// Or an application in which a person logs in: platform Mobile and desktop
// applications, redirect URI http://localhost/callback, public client flows
// allowed, no secret, and the same permissions as delegated ones with admin
// consent. It reads what that person may read
// (https://learn.microsoft.com/graph/auth-v2-user).
//
// Microsoft does not say of a user or a device when it was last changed, so each
// read is a full one. Users in the recycle bin are not listed. A guest's user
// principal name has #EXT# in it, and a guest or an account without a mailbox may
// have no mail.
//
// The interface is documented at https://learn.microsoft.com/graph/api/user-list
// and https://learn.microsoft.com/graph/api/device-list, its clouds at
// https://learn.microsoft.com/graph/deployments.
package entra
