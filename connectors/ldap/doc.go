// Package ldap is the connector for directories: Active Directory, OpenLDAP, 389
// Directory Server, FreeIPA, eDirectory, Samba and whatever else speaks LDAP
// version 3 (RFC 4511).
//
//	src, err := ldap.New().Open(ctx, connector.Config{
//		Settings:   settings, // "url": "ldap://dc1.corp.example.com"
//		Credential: credential,
//	})
//	if err != nil {
//		return err
//	}
//	defer src.Close()
//	for page, err := range connector.Pages(ctx, src, connector.Request{Stream: ldap.UserStream}) {
//		...
//	}
//
// # What to create at the directory
//
// An account that may read, and nothing else.
//
//   - Active Directory: an ordinary member of Domain Users, whose password does
//     not expire, reads users and computers. Its user name is its user principal
//     name, such as reader@corp.example.com, or its DN. The domain controller
//     needs a certificate for LDAP, which the enterprise CA of the domain issues
//     by itself
//     (https://learn.microsoft.com/troubleshoot/windows-server/active-directory/enable-ldap-over-ssl-3rd-certification-authority).
//   - OpenLDAP: an entry with a userPassword, such as cn=reader,dc=example,dc=com,
//     that olcAccess lets read the people: to dn.subtree="ou=People,dc=example,dc=com"
//     by dn.exact="cn=reader,dc=example,dc=com" read. A search ends after 500
//     entries unless olcLimits gives the account more:
//     dn.exact="cn=reader,dc=example,dc=com" size.soft=unlimited size.hard=unlimited
//     (https://www.openldap.org/doc/admin26/limits.html).
//
// A directory that shows its entries to everyone needs no account.
//
// The connection is protected by TLS, by StartTLS on an ldap:// address or from
// the beginning on an ldaps:// one, and the server's certificate is always
// verified. The credential's value "ca" adds certificates to those that the
// system trusts. Without TLS no password is sent, except to this machine.
//
// # Records
//
// A record has the entry's DN as "dn" and its attributes under their own names:
//
//	{"dn": "uid=zoe,dc=example,dc=com", "uid": ["zoe"], "mail": ["zoe@example.com"],
//	 "displayName": "Zoë Ångström", "entryUUID": "1c58751d-3149-453b-a937-37a48f34ee5d",
//	 "entry": {"id": "1c58751d-3149-453b-a937-37a48f34ee5d", "status": "active", "manager": "soren"}}
//
// An attribute that may have several values is a list, even of one value, and
// one that may have one only is a text, so that a path leads to the same place
// in every record. For the attributes of the Spec the standards decide: "mail" is
// a list in Active Directory too. For others the directory's schema does; what
// the schema does not know is a list. A text has the first value of an entry
// that has several against its schema.
//
// Numbers and booleans are texts, as LDAP has them. Times are RFC 3339, those
// that Windows counts since 1601 too, where never is null. objectGUID and
// objectSid are written as Windows does; what is not text is base64.
//
// "entry" has what is made of the attributes: the id by which the entry is known
// for ever, whether the account is active, where the directory says it, and the
// user name of the manager, which is looked up by the DN if it is mapped or if
// nothing is.
//
// The attributes of the Spec are asked for and those that are mapped. Attributes
// that hold passwords and keys are never asked for.
//
// # What a directory does not promise
//
// The place in a paged list (RFC 2696) belongs to a connection, so that a read
// that breaks off starts anew. The entries that another server holds are not
// read: referrals are counted and logged. A directory mostly keeps silent about
// entries that an account may not see, so that Check can tell only that none
// came.
//
// A read of what has changed since a time asks for whenChanged in Active
// Directory, which each domain controller keeps by its own clock, and for
// modifyTimestamp in others. It does not tell of entries that were deleted.
package ldap
