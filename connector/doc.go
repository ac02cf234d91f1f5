// Package connector is what a vendor connector is made of and what its callers
// see: a [Connector] describes itself as data with its [Spec] and opens a
// [Source]; a Source yields [Page] after Page of [Record], each one JSON object
// byte for byte as the vendor sent it.
//
// An author writes a Spec and a function that fetches one page, and lets
// [Paginate] make the sequence:
//
//	func (s *source) Read(ctx context.Context, req connector.Request) iter.Seq2[connector.Page, error] {
//		return connector.Paginate(ctx, req.Cursor, func(ctx context.Context, c connector.Cursor) (connector.Page, error) {
//			list, err := s.api.List(ctx, string(c))
//			if err != nil {
//				return connector.Page{}, err
//			}
//			return connector.Page{Records: list.Records, Next: connector.Cursor(list.Next), Last: list.Next == ""}, nil
//		})
//	}
//
// and then runs the conformance suite of package connectortest over it. Errors
// are of type [Error] with a [Class], so that every caller knows what can be
// done about them. A caller reads through [Pages], which holds a Source to its
// contract.
//
// The package uses the standard library and package credentials alone.
package connector
